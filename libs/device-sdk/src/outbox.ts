/** Messages on their way to the broker: each is kept until the broker has it, within bounds, in order. */
import { EdgeError } from '@selvage/protocol';

/** How much may wait, and what happens to one more: `refuse` rejects the new message, `drop-oldest` the oldest one. */
export interface QueueLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly whenFull: 'refuse' | 'drop-oldest';
}

export interface OutMessage {
  readonly topic: string;
  readonly payload: string | Uint8Array;
}

/** What an outbox needs of its surroundings. */
export interface OutboxPorts {
  /** Publishes with QoS 1; `done` is called on the acknowledgement and never after the connection ended. */
  readonly publish: (message: OutMessage, done: () => void) => void;
  /** A message will never arrive. */
  readonly dropped: (message: OutMessage, reason: EdgeError) => void;
  /** A message left, one way or the other. */
  readonly settled: () => void;
}

interface Entry extends OutMessage {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: EdgeError) => void;
  isSent: boolean;
  /** How often the connection ended while this message alone was under way. */
  refusals: number;
}

/** Most messages that are under way together. */
const WINDOW = 32;
/** A broker refuses a message by closing the connection: so many times in a row, and it is given up, or all would wait behind it. */
const MOST_REFUSALS = 8;

export class Outbox {
  /** Oldest first; those that are under way come first of all. */
  readonly #entries = new Set<Entry>();
  #bytes = 0;
  #underWay = 0;
  /** How many may be under way: 0 while offline, and 1 until the first is acknowledged. */
  #window = 0;

  constructor(
    private readonly limits: QueueLimits,
    private readonly ports: OutboxPorts,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** Resolves when the broker has the message. Rejects with `too_many_requests` when it was dropped, `forbidden` when it is refused. */
  add(message: OutMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { ...message, bytes: sizeOf(message), resolve, reject, isSent: false, refusals: 0 };
      const reason = this.#makeRoom(entry.bytes);
      if (reason) {
        this.ports.dropped(message, reason);
        reject(reason);
        return;
      }
      this.#entries.add(entry);
      this.#bytes += entry.bytes;
      this.#pump();
    });
  }

  /** The broker is there: what waits is sent, what was not acknowledged first of all. */
  connected(): void {
    this.#window = 1;
    this.#pump();
  }

  disconnected(): void {
    const sent = [...this.#entries].filter(({ isSent }) => isSent);
    this.#window = 0;
    this.#underWay = 0;
    for (const entry of sent) entry.isSent = false;
    const [alone] = sent;
    if (!alone || sent.length > 1) return;
    alone.refusals += 1;
    if (alone.refusals < MOST_REFUSALS) return;
    const detail = `${alone.topic}: the broker closed the connection ${MOST_REFUSALS} times when this came. The topic is not allowed, or the node has no room for it.`;
    this.#drop(alone, new EdgeError('forbidden', detail));
  }

  /** Gives up all that is left, and returns it. */
  giveUp(reason: EdgeError): OutMessage[] {
    const left = [...this.#entries];
    for (const entry of left) this.#drop(entry, reason);
    return left.map(({ topic, payload }) => ({ topic, payload }));
  }

  /** Drops the oldest until there is room; the reason when there is none to be had. */
  #makeRoom(bytes: number): EdgeError | undefined {
    const { maxMessages, maxBytes, whenFull } = this.limits;
    if (bytes > maxBytes) {
      return new EdgeError('body_too_large', `The message has ${bytes} bytes and the queue takes at most ${maxBytes}.`);
    }
    while (this.#entries.size >= maxMessages || this.#bytes + bytes > maxBytes) {
      const detail = `The queue of the device is full: ${this.#entries.size} messages, ${this.#bytes} bytes wait for the node.`;
      const reason = new EdgeError('too_many_requests', detail);
      const oldest = whenFull === 'refuse' ? undefined : this.#oldest();
      if (!oldest) return reason;
      this.#drop(oldest, reason);
    }
    return undefined;
  }

  /** The oldest that nobody has seen yet, or else the oldest. */
  #oldest(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (!entry.isSent) return entry;
      first ??= entry;
    }
    return first;
  }

  #drop(entry: Entry, reason: EdgeError): void {
    if (!this.#remove(entry)) return;
    this.ports.dropped({ topic: entry.topic, payload: entry.payload }, reason);
    entry.reject(reason);
    this.ports.settled();
  }

  #pump(): void {
    if (this.#underWay >= this.#window) return;
    for (const entry of this.#entries) {
      if (entry.isSent) continue;
      entry.isSent = true;
      this.#underWay += 1;
      this.ports.publish(entry, () => {
        this.#acknowledged(entry);
      });
      if (this.#underWay >= this.#window) return;
    }
  }

  #acknowledged(entry: Entry): void {
    this.#window = WINDOW;
    if (!this.#remove(entry)) return;
    entry.resolve();
    this.ports.settled();
    this.#pump();
  }

  #remove(entry: Entry): boolean {
    if (!this.#entries.delete(entry)) return false;
    this.#bytes -= entry.bytes;
    if (entry.isSent) this.#underWay -= 1;
    return true;
  }
}

const encoder = new TextEncoder();

function sizeOf({ topic, payload }: OutMessage): number {
  const bytes = typeof payload === 'string' ? encoder.encode(payload).length : payload.byteLength;
  return bytes + topic.length;
}
