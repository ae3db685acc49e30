/** How long to wait between tries: doubling from `baseMs` up to `capMs`, never under `floorMs`. All in milliseconds. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
  readonly floorMs?: number;
}

/**
 * Delay before the next try after `attempts` failures in a row (1 or more), with full jitter: any value between the floor and the
 * doubled base is as likely as another, so that many who failed together do not come back together. `random` gives 0 to 1.
 */
export function delay(attempts: number, { baseMs, capMs, floorMs = 0 }: Backoff, random: () => number): number {
  const highest = Math.min(capMs, baseMs * 2 ** Math.min(attempts - 1, 40));
  return Math.max(floorMs, random() * highest);
}
