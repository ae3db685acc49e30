import type { Container } from '../docker/index.js';

const SECOND = 1000;
const FIRST_DELAY = 10 * SECOND;
const LONGEST_DELAY = 300 * SECOND;
/** A container that ran this long starts again from the shortest delay. */
const STEADY = 2 * LONGEST_DELAY;

/** What is known of the ends of one container. */
export interface Exits {
  /** When the engine says it ended last: tells a new end from one that was counted. */
  readonly last: string;
  /** How often it ended. */
  readonly count: number;
  /** How often it ended by itself soon after it was started, in a row. */
  readonly inARow: number;
  /** Whether the last end was asked for by somebody: such a container has not completed. */
  readonly byHand: boolean;
  /** From when it may be started again, in monotonic milliseconds; `retryAt` is the same moment in epoch milliseconds. */
  readonly dueAt: number;
  readonly retryAt: number;
}

/** Why a container ended, as far as the agent saw it. `lost`: it ended while the agent or the engine was away. */
export type Cause = 'itself' | 'hand' | 'lost';

/**
 * Counts a new end of a container; gives what was known when it is not new. The first start after an end is at once, so that what was
 * killed by hand is repaired within seconds; the following ones wait 10 s, 20 s … 5 min. `now` is monotonic, `wall` epoch milliseconds.
 */
export function afterExit(
  known: Exits | undefined,
  container: Container,
  { cause, now, wall }: { cause: Cause; now: number; wall: number },
): Exits | undefined {
  const { phase, startedAt, finishedAt } = container;
  if (phase !== 'exited' || finishedAt === undefined || finishedAt === known?.last) return known;
  const ranMs = Date.parse(finishedAt) - Date.parse(startedAt ?? finishedAt);
  const before = known === undefined || ranMs >= STEADY ? 0 : known.inARow;
  const inARow = cause === 'itself' ? before + 1 : before;
  const count = (known?.count ?? 0) + 1;
  const wait = cause === 'itself' ? delay(inARow) : 0;
  return { last: finishedAt, count, inARow, byHand: cause === 'hand', dueAt: now + wait, retryAt: wall + wait };
}

function delay(inARow: number): number {
  return inARow <= 1 ? 0 : Math.min(FIRST_DELAY * 2 ** Math.min(inARow - 2, 20), LONGEST_DELAY);
}
