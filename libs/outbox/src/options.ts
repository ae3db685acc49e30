import type { Clock } from '@selvage/reconcile';
import type { LaneRules, TotalRules } from './budget.js';
import type { OutboxStore } from './store.js';

export interface OutboxOptions {
  readonly store: OutboxStore;
  readonly clock: Clock;
  /** What a lane may hold; asked again and again, so that it may change. */
  readonly rules: (lane: string) => LaneRules;
  readonly total: TotalRules;
  /** Bytes that one message may count for. */
  readonly maxMessage: number;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  /** Told when the disk refuses; the outbox tries again by itself. */
  readonly trouble?: (error: Error) => void;
}

/** Told when there is more to take, and when everything that was taken has to be taken again. */
export interface OutboxListener {
  /** `lanes`: where there is more; anywhere, when absent. */
  ready(lanes?: ReadonlySet<string>): void;
  reset(): void;
}

/** What a lane holds. */
export interface LaneStatus {
  readonly lane: string;
  readonly count: number;
  readonly bytes: number;
}
