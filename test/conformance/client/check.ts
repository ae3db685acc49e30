import { isDeepStrictEqual } from 'node:util';

/** Throws unless the two are the same, with both in the message. */
export function same(what: string, actual: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(actual, wanted)) return;
  throw new Error(`${what}: expected ${JSON.stringify(wanted)}, but it was ${JSON.stringify(actual)}`);
}

/** Throws unless each wanted member has its wanted value; further members do not matter. */
export function has<T extends object>(what: string, actual: T, wanted: Partial<T>): void {
  const seen = Object.fromEntries(Object.entries(actual).filter(([key]) => key in wanted));
  const sorted = (of: object): unknown => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  if (isDeepStrictEqual(sorted(seen), sorted(wanted))) return;
  throw new Error(`${what}: expected ${JSON.stringify(wanted)}, but it was ${JSON.stringify(seen)}`);
}

/** Throws with this message unless the condition holds. */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
