import type { DeadLetter, Head, Queued, Reason } from './message.js';
import type { Drop } from './drops.js';

/** What a lane holds on the disk. */
export interface LaneCount {
  readonly lane: string;
  readonly count: number;
  readonly bytes: number;
}

/** What is on the disk. */
export interface Bounds {
  /** Made at random together with the file: (epoch, seq) names a message once and for all. */
  readonly epoch: string;
  /** No message with a higher sequence was ever stored under this epoch. */
  readonly lastSeq: number;
  readonly lanes: readonly LaneCount[];
  /** Oldest first, without bodies. */
  readonly dead: readonly Head[];
  readonly drops: readonly Drop[];
  /** The newest moment of the timeline that was written, and the wall clock of that moment, epoch milliseconds. */
  readonly born: number;
  readonly wall: number;
}

/** One atomic change: all of it is on the disk, or nothing. */
export interface Change {
  /** Sequences rise, and are above every one that was appended before. */
  readonly append: readonly Queued[];
  /** These are gone: delivered, or dropped. */
  readonly remove: readonly Head[];
  /** These become dead letters. */
  readonly bury: readonly (Head & Reason)[];
  /** These dead letters are gone. */
  readonly unbury: readonly number[];
  /** New totals of the drops that changed. */
  readonly drops: readonly Drop[];
  /** The present moment, as in `Bounds`. */
  readonly born: number;
  readonly wall: number;
}

/** Bounds of one read: at least one message comes when there is one, however large. */
export interface Limits {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Where an outbox keeps its messages. Whoever implements it promises that a change whose promise resolved outlives a power cut, and
 * that after a failure `open` may be called again and tells what is there.
 */
export interface OutboxStore {
  /** Opens what is there, without reading the messages. What was open before is closed. */
  open(): Promise<Bounds>;
  close(): Promise<void>;
  commit(change: Change): Promise<void>;
  /** The first messages of a lane after a sequence, in order. */
  read(lane: string, after: number, limits: Limits): Promise<Queued[]>;
  /** The same without the bodies. */
  heads(lane: string, after: number, messages: number): Promise<Head[]>;
  /** Messages whose life ended at a moment of the timeline or before. */
  expired(moment: number, messages: number): Promise<Head[]>;
  /** Dead letters after a sequence, oldest first. */
  dead(after: number, messages: number): Promise<DeadLetter[]>;
}
