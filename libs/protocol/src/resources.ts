import { z } from 'zod';
import { labels, selector } from './labels.js';
import { name, timestamp } from './ids.js';

/** The envelope that every object of the API comes in. `revision` grows with each change and guards writes (`If-Match`). */
export function resource<S extends z.ZodType, T extends z.ZodType>(spec: S, status: T) {
  return z.object({
    name,
    project: name,
    labels,
    revision: z.int().nonnegative(),
    createdAt: timestamp,
    updatedAt: timestamp,
    spec,
    status,
  });
}

/** What a `PUT` carries: the caller's part of a resource. Unknown keys are refused. */
export function write<S extends z.ZodType>(spec: S) {
  return z.strictObject({ labels: labels.default({}), spec });
}

/** One page of a list; `cursor` is absent on the last page. */
export function page<R extends z.ZodType>(item: R) {
  return z.object({ items: z.array(item), cursor: z.string().optional() });
}

/** Query of every list. `limit` counts objects, 1 to 1000. */
export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(512).optional(),
  labels: selector.optional(),
});
export type ListQuery = z.infer<typeof listQuery>;

/** JSON merge patch (RFC 7396) of `labels` and `spec`; the result is checked like a `PUT`. */
export const mergePatch = z.strictObject({
  labels: z.record(z.string(), z.string().nullable()).optional(),
  spec: z.record(z.string(), z.unknown()).optional(),
});
export type MergePatch = z.infer<typeof mergePatch>;

/** Body of every answer that is not a success. */
export const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  detail: z.string(),
  requestId: z.string(),
});
export type ErrorBody = z.infer<typeof errorBody>;
