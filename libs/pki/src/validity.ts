const DAY_MS = 86_400_000;

/** Begin and end of a certificate, epoch milliseconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export type Judgement = 'not_yet_valid' | 'valid' | 'renew_due' | 'expired_in_grace' | 'expired';

/** How a certificate stands at a moment: due for renewal at two thirds of its life, and in grace for some days after its end. */
export function judge(
  { notBefore, notAfter }: Validity,
  { now, graceDays }: { now: number; graceDays: number },
): Judgement {
  if (now < notBefore) return 'not_yet_valid';
  if (now > notAfter + graceDays * DAY_MS) return 'expired';
  if (now > notAfter) return 'expired_in_grace';
  return now < notBefore + ((notAfter - notBefore) * 2) / 3 ? 'valid' : 'renew_due';
}

/** When to renew: at two thirds of the life, up to a tenth of it earlier or later. `chance` is 0 to 1. */
export function renewAt({ notBefore, notAfter }: Validity, chance: number): number {
  const life = notAfter - notBefore;
  return notBefore + life * (2 / 3 + (chance * 2 - 1) * 0.1);
}

/** Whole days until the end; negative after it. */
export function daysLeft({ notAfter }: Pick<Validity, 'notAfter'>, now: number): number {
  return Math.floor((notAfter - now) / DAY_MS);
}
