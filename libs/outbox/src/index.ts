export { DEFAULT_LANE, DEFAULT_TOTAL, type LaneRules, type TotalRules } from './budget.js';
export { type Drop, type DropReason } from './drops.js';
export {
  type DeadLetter,
  type Head,
  type NewMessage,
  type Prepared,
  type Queued,
  type Reason,
  sizeOf,
  type Taken,
} from './message.js';
export type { LaneStatus, OutboxListener, OutboxOptions } from './options.js';
export { Outbox } from './outbox.js';
export { Away, type Outcome, Pump, type PumpOptions } from './pump.js';
export { OutboxRefusal, type RefusalCode } from './refusal.js';
export { Stream, type StreamOptions } from './stream.js';
export type { Bounds, Change, LaneCount, Limits, OutboxStore } from './store.js';
export { timeOff } from './timeline.js';
export { type Landing, nextWindow, type WindowBounds } from './window.js';
