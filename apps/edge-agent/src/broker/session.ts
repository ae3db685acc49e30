/** What of an MQTT session outlives its connection, in memory; `session-store.ts` writes it down. */
import { queueKey } from './session-records.js';
import type { Share } from './shares.js';

/** A message of a session's queue, or the PUBREL that follows a QoS 2 message. */
export interface Outgoing {
  /** Place in the queue. */
  readonly seq: number;
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  cmd: 'publish' | 'pubrel';
  payload: Buffer;
  /** Given before it is sent first and kept until it is acknowledged. */
  messageId: number | undefined;
  /** It may have been sent before: it is sent again as a duplicate [MQTT-3.3.1-1]. */
  sent: boolean;
  /** Changes of it that are not on the disk yet: it is not sent before there are none. */
  unwritten: number;
  gone: boolean;
}

/** Bytes that a queued message costs beside its topic, payload and key. */
const OVERHEAD = 64;
const LAST_ID = 65_535;

/** Whoever sends a session's messages to its connected client. */
export interface Outlet {
  /** A message was added that has no packet id: it gets one when its turn comes, at once if nothing is before it. */
  offer(message: Outgoing): void;
  /** Something reached the disk or was acknowledged: sends what can be sent. */
  wake(): void;
  /** Cuts its client off: its session is no more. */
  cut(): void;
}

/** A session: subscriptions, the queue of what is not acknowledged yet, and the QoS 2 messages whose PUBREL is still to come. */
export class Session {
  readonly subscriptions = new Map<string, number>();
  readonly incoming = new Set<number>();
  /** There while its client is connected. */
  outlet: Outlet | undefined;
  /** When its client was here last, epoch milliseconds. */
  seenAt = 0;
  readonly #queue = new Map<number, Outgoing>();
  readonly #byMessage = new Map<number, Outgoing>();
  readonly #unsent = new Set<Outgoing>();
  /** Bytes that each message costs beside its topic and payload. */
  readonly #overhead: number;
  #bytes = 0;
  #nextId = 1;

  constructor(
    readonly id: string,
    readonly share: Share,
  ) {
    this.#overhead = OVERHEAD + queueKey(id, 0).length;
  }

  /** Everything that is not acknowledged, in the order in which it was published. */
  get queue(): Iterable<Outgoing> {
    return this.#queue.values();
  }

  /** The part of the queue that has no packet id yet, in order. */
  get unsent(): ReadonlySet<Outgoing> {
    return this.#unsent;
  }

  get count(): number {
    return this.#queue.size;
  }

  /** Messages that have a packet id: that many are under way. */
  get inFlight(): number {
    return this.#byMessage.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a message at the end. */
  add(message: Outgoing): void {
    this.#queue.set(message.seq, message);
    this.#grow(this.sizeOf(message));
    if (message.messageId === undefined) {
      this.#unsent.add(message);
      this.share.unsent.set(message, this);
    } else this.#byMessage.set(message.messageId, message);
  }

  /** Gives a message a packet id that no other message in flight has [MQTT-2.3.1-4]. */
  number(message: Outgoing): void {
    let id = this.#nextId;
    while (this.#byMessage.has(id)) id = id >= LAST_ID ? 1 : id + 1;
    this.#nextId = id >= LAST_ID ? 1 : id + 1;
    message.messageId = id;
    this.#forgetUnsent(message);
    this.#byMessage.set(id, message);
  }

  /** From now on the message stands for its PUBREL. */
  release(message: Outgoing): void {
    this.#grow(-message.payload.byteLength);
    message.cmd = 'pubrel';
    message.payload = Buffer.alloc(0);
  }

  byMessage(messageId: number): Outgoing | undefined {
    return this.#byMessage.get(messageId);
  }

  drop(message: Outgoing): void {
    if (!this.#queue.delete(message.seq)) return;
    message.gone = true;
    this.#grow(-this.sizeOf(message));
    this.#forgetUnsent(message);
    if (message.messageId !== undefined) this.#byMessage.delete(message.messageId);
  }

  /** The oldest message that was not sent yet; it gives way when the queue is full. */
  oldestUnsent(): Outgoing | undefined {
    for (const message of this.#unsent) return message;
    return undefined;
  }

  /** Bytes that a message costs in this session, with its key. */
  sizeOf({ topic, payload }: Pick<Outgoing, 'topic' | 'payload'>): number {
    return Buffer.byteLength(topic) + payload.byteLength + this.#overhead;
  }

  #grow(by: number): void {
    this.#bytes += by;
    this.share.grow(by);
  }

  #forgetUnsent(message: Outgoing): void {
    this.#unsent.delete(message);
    this.share.unsent.delete(message);
  }
}
