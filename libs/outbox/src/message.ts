import { OutboxRefusal } from './refusal.js';

/** Longest name of a lane, and longest key, UTF-16 units. */
const MAX_LANE = 128;
const MAX_KEY = 4_096;

/** What is put into an outbox. */
export interface NewMessage {
  /** Which queue it goes through, a route's name for instance. Messages of one lane leave in the order in which they came. */
  readonly lane: string;
  /** What order is promised for when messages of a lane are delivered side by side: device and topic, for instance. */
  readonly key?: string;
  readonly body: Uint8Array;
  /** Dropped when it could not be delivered within so many milliseconds. */
  readonly ttlMs?: number;
  /** When it came into being, epoch milliseconds; now unless given. */
  readonly at?: number;
}

/** A stored message without its body. */
export interface Head {
  /** Grows with every message of the outbox and is never used again. */
  readonly seq: number;
  readonly lane: string;
  /** Wall clock, epoch milliseconds: for people and for whoever receives it. */
  readonly at: number;
  /** Moment of the outbox's own timeline, which no clock change moves: for age. */
  readonly born: number;
  /** Bytes that it counts for in a budget. */
  readonly size: number;
}

/** A message as it is stored. */
export interface Queued extends Head {
  readonly key?: string;
  /** Moment of the outbox's timeline from which on it is of no use. */
  readonly expires?: number;
  readonly body: Uint8Array;
}

/** Messages that somebody else writes to the store. */
export interface Prepared {
  readonly queued: readonly Queued[];
  /** Which opening of the store they were made for. */
  readonly since: number;
}

/** A message on its way out: nobody else is given it until it is settled, buried or given back. */
export interface Taken {
  readonly seq: number;
  readonly lane: string;
  readonly at: number;
  readonly size: number;
  readonly key?: string;
  /** Milliseconds that are left of its life. */
  readonly ttlMs?: number;
  readonly body: Uint8Array;
}

/** Why a message could not be delivered, ever. */
export interface Reason {
  readonly code: string;
  readonly detail: string;
}

/** A message that was given up, kept for a person to look at. */
export interface DeadLetter extends Queued, Reason {}

/** What a row costs beside its key and body, about. */
const OVERHEAD = 48;

/** Bytes that a message counts for in a budget. A key counts with its UTF-16 length: near enough, and cheap. */
export function sizeOf({ key, body }: Pick<NewMessage, 'key' | 'body'>): number {
  return OVERHEAD + (key?.length ?? 0) + body.byteLength;
}

/** @throws OutboxRefusal `too_large`. */
export function checkNames({ lane, key = '' }: Pick<NewMessage, 'lane' | 'key'>): void {
  if (lane.length > MAX_LANE || key.length > MAX_KEY)
    throw new OutboxRefusal('too_large', `A lane has at most ${MAX_LANE} characters, a key at most ${MAX_KEY}.`);
}
