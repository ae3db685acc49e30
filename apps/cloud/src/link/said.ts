import { EdgeError, problemsOf } from '@selvage/protocol';
import { sectionValue } from '@selvage/wire';
import type { z } from 'zod';

/** Reading stops at the first element that is wrong: a node may send a million of them, and each would get an error of its own. */
const TO_THE_FIRST: z.core.ParseContextInternal<z.core.$ZodIssue> = { abortEarly: true };

/** What a node said, as a value of this form. @throws EdgeError `bad_request` with a line about the first thing that is wrong. */
export function said<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, TO_THE_FIRST);
  if (parsed.success) return parsed.data;
  throw new EdgeError('bad_request', problemsOf(parsed.error));
}

/** The same of its JSON. */
export function saidIn<T>(schema: z.ZodType<T>, body: Uint8Array): T {
  return said(schema, jsonOf(body));
}

/** @throws EdgeError `bad_request` */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return sectionValue(body);
  } catch (cause) {
    throw new EdgeError('bad_request', 'It is not JSON.', { cause });
  }
}
