import { OutboxRefusal } from './refusal.js';

const DAY_MS = 24 * 3_600_000;
const MIB = 1024 * 1024;

/** What a lane may hold. */
export interface LaneRules {
  readonly maxBytes: number;
  /** Older messages are dropped, milliseconds. */
  readonly maxAgeMs?: number;
  /** `refuse`: what was taken is never dropped to make room, not even when the whole outbox is full. */
  readonly whenFull: 'drop-oldest' | 'refuse';
  /** Lanes of a higher priority go first, and are the last to be dropped from. Lanes of one priority share. */
  readonly priority: number;
}

/** What all lanes may hold together. */
export interface TotalRules {
  readonly maxBytes: number;
  readonly whenFull: 'drop-oldest' | 'drop-lowest-priority' | 'refuse';
}

export const DEFAULT_LANE: LaneRules = {
  maxBytes: 256 * MIB,
  maxAgeMs: 7 * DAY_MS,
  whenFull: 'drop-oldest',
  priority: 0,
};
export const DEFAULT_TOTAL: TotalRules = { maxBytes: 1024 * MIB, whenFull: 'drop-lowest-priority' };

/** What a budget needs to know of a lane. */
export interface LaneLoad {
  readonly rules: LaneRules;
  /** Bytes of the lane, those that are being written included. */
  readonly bytes: number;
  /** Of these the bytes that could be dropped at once: on the disk, and not on their way out. */
  readonly idle: number;
}

/** What a budget needs to know of all lanes together. */
export interface Whole {
  readonly rules: TotalRules;
  readonly bytes: number;
  /** Asked only when it matters: there may be many. */
  readonly lanes: () => readonly LaneLoad[];
}

/**
 * Whether one more message is taken; what has to make room for it is found later by `victims`.
 * @throws OutboxRefusal `full`, `too_large`.
 */
export function admit(lane: LaneLoad, size: number, whole: Whole): void {
  const { maxBytes, whenFull } = lane.rules;
  if (size <= maxBytes && lane.bytes + size > maxBytes && whenFull === 'refuse')
    throw new OutboxRefusal('full', `${lane.bytes} of ${maxBytes} bytes are used by messages that wait already.`);
  admitPromised(lane, size, whole);
}

/**
 * The same for a message that somebody was promised already: when its lane refuses, only the budget of all lanes counts.
 * @throws OutboxRefusal `full`, `too_large`.
 */
export function admitPromised(lane: LaneLoad, size: number, whole: Whole): void {
  const least = Math.min(lane.rules.maxBytes, whole.rules.maxBytes);
  if (size > least)
    throw new OutboxRefusal(
      'too_large',
      `The message counts for ${size} bytes, more than its whole budget of ${least}.`,
    );
  const over = whole.bytes + size - whole.rules.maxBytes;
  if (over <= 0) return;
  const room = whole.lanes().filter((one) => mayGiveWay(one, lane.rules, whole.rules));
  if (room.reduce((sum, { idle }) => sum + idle, 0) < over)
    throw new OutboxRefusal('full', `All lanes together hold ${whole.bytes} of ${whole.rules.maxBytes} bytes.`);
}

/** Of which lanes the oldest messages go first when all together hold too much. Empty: nothing may be dropped. */
export function victims<T extends LaneLoad>(lanes: readonly T[], { whenFull }: TotalRules): T[] {
  const open = lanes.filter(({ rules, idle }) => rules.whenFull !== 'refuse' && idle > 0);
  if (whenFull === 'refuse' || open.length === 0) return [];
  if (whenFull === 'drop-oldest') return open;
  const lowest = Math.min(...open.map(({ rules }) => rules.priority));
  return open.filter(({ rules }) => rules.priority === lowest);
}

function mayGiveWay({ rules }: LaneLoad, newcomer: LaneRules, { whenFull }: TotalRules): boolean {
  if (rules.whenFull === 'refuse' || whenFull === 'refuse') return false;
  return whenFull === 'drop-oldest' || rules.priority <= newcomer.priority;
}
