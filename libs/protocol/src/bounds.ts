/** What keeps small what a node says, since the hub reads it before it can know whether the node is honest. */
import { z } from 'zod';

/** Half of the safe integers at most, so that counting on never leaves them. */
export const counter = z.int().min(0).max(4_503_599_627_370_496);

/** A list is read no further than to an element that breaks such a rule. */
const END = { abort: true };

/** Text without NUL, which PostgreSQL does not keep. */
export function text(most: number) {
  return z
    .string()
    .max(most, END)
    .refine((value) => !value.includes('\0'), { ...END, error: 'has a NUL character' });
}

/** A name that programs made: visible ASCII without spaces. */
export function word(most: number) {
  return z
    .string()
    .min(1, END)
    .max(most, END)
    .regex(/^[!-~]+$/, { ...END, error: 'has a character that is none of ! to ~' });
}

/** A map with a greatest number of entries, which are counted before any of them is looked at. */
export function few<S extends z.ZodRecord>(record: S, most: number) {
  return z
    .unknown()
    .refine((value) => !hasMore(value, most), `at most ${most} entries`)
    .pipe(record);
}

/** How many things are wrong with a value, and what the first of them is, in a line of bounded length. */
export function problemsOf({ issues: [first, ...more] }: Pick<z.ZodError, 'issues'>): string {
  const place = (first?.path ?? []).slice(0, 8).map((part) => String(part).slice(0, 32));
  const words = `${place.join('.')}: ${first?.message ?? ''}`.slice(0, 300);
  return more.length === 0 ? words : `${words} (and ${more.length} more)`;
}

function hasMore(value: unknown, most: number): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > most;
}
