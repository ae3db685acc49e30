/** Clauses that a broker is known to break; the suite asserts that it breaks each in this way, so that the entry cannot rot. */
export interface Deviation {
  /** Titles of the clauses, or what they look like. */
  readonly of: readonly string[] | RegExp;
  /** What a failing clause says. */
  readonly seen: RegExp;
  /** Why it is so, and what follows. */
  readonly reason: string;
  /** It depends on timing: the clause may also be kept. */
  readonly race?: true;
}

/** Whether this deviation is about the clause with this title. */
export function covers({ of }: Deviation, title: string): boolean {
  return of instanceof RegExp ? of.test(title) : of.includes(title);
}
