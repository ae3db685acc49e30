import { EdgeError } from '@selvage/protocol';
import type { z } from 'zod';

const MAX_DEPTH = 32;
const MAX_PROBLEMS = 20;

/**
 * JSON merge patch (RFC 7396): null removes, objects merge, everything else replaces. Takes and returns plain JSON values.
 * @throws EdgeError `bad_request` for a patch nested deeper than any object of the API.
 */
export function mergePatch(target: unknown, patch: unknown, depth = 0): unknown {
  if (!isObject(patch)) return patch;
  if (depth > MAX_DEPTH) throw new EdgeError('bad_request', `The patch is nested deeper than ${MAX_DEPTH} levels.`);
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value, depth + 1));
  }
  return Object.fromEntries(merged);
}

/**
 * An object after a merge patch, checked as a `PUT` of the result would be.
 * @throws EdgeError `bad_request` with a line `path: problem` for each problem.
 */
export function patched<S extends z.ZodType>(schema: S, current: z.input<S>, patch: unknown): z.output<S> {
  return checked(schema, mergePatch(current, patch));
}

/**
 * Parses what the hub put together from a request.
 * @throws EdgeError `bad_request` with a line `path: problem` for each problem.
 */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new EdgeError('bad_request', problems.slice(0, MAX_PROBLEMS).join('\n'));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
