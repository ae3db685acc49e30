import type { DownFrame, frames, NodeRef } from '@selvage/protocol';

const MIB = 1024 * 1024;
/** Bytes of one node that may wait to be written: twice what an agent sends without being told that it is stored. */
const MAX_OF_NODE = 2 * MIB;
/** Bytes of all nodes. */
const MAX_OF_ALL = 64 * MIB;
/** Most of one transaction. */
const BATCH_BYTES = 4 * MIB;
const BATCH_MESSAGES = 5_000;
/** A node's turn, so that a backlog does not keep the others waiting. */
const TURN = 500;
/** What a message costs beside its body, about. */
const OVERHEAD = 200;

/** Where messages come from, and where is said what became of them. */
export interface MessageSource {
  readonly ref: NodeRef;
  readonly key: string;
  send(frame: DownFrame): void;
}

/** Stops and goes on reading a link. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** A message that waits to be written. */
export interface Arrived {
  readonly source: MessageSource;
  readonly epoch: string;
  readonly message: frames.Message;
}

interface Queue {
  readonly flow: Flow;
  arrived: Arrived[];
  /** Waiting, and being written. */
  bytes: number;
  isPaused: boolean;
}

/**
 * Messages that wait to be written, by link. Nothing is thrown away: a link that sends more than there is room for is not read any
 * further until there is.
 */
export class MessageIntake {
  readonly #queues = new Map<MessageSource, Queue>();
  #bytes = 0;

  constructor(private readonly limits = { ofNode: MAX_OF_NODE, ofAll: MAX_OF_ALL }) {}

  /** Bytes that wait or are being written. */
  get bytes(): number {
    return this.#bytes;
  }

  add(source: MessageSource, flow: Flow, { epoch, items }: { epoch: string; items: readonly frames.Message[] }): void {
    const queue = this.#queues.get(source) ?? { flow, arrived: [], bytes: 0, isPaused: false };
    this.#queues.set(source, queue);
    for (const message of owned(items)) {
      queue.arrived.push({ source, epoch, message });
      queue.bytes += sizeOf(message);
      this.#bytes += sizeOf(message);
    }
    if (queue.isPaused || (queue.bytes < this.limits.ofNode && this.#bytes < this.limits.ofAll)) return;
    queue.isPaused = true;
    flow.pause();
  }

  /** The link is gone: its node sends again what was not written. */
  forget(source: MessageSource): void {
    const queue = this.#queues.get(source);
    if (queue === undefined) return;
    this.#queues.delete(source);
    this.#bytes -= queue.bytes;
    this.#resume();
  }

  /** The next messages to be written: a turn of each link, and again, until it is enough. Call `done` for them. */
  batch(): Arrived[] {
    const batch: Arrived[] = [];
    let bytes = 0;
    for (let before = -1; before < batch.length;) {
      before = batch.length;
      for (const queue of this.#queues.values()) {
        const room = Math.min(TURN, BATCH_MESSAGES - batch.length);
        let count = 0;
        while (count < room && bytes < BATCH_BYTES) {
          const next = queue.arrived[count];
          if (next === undefined) break;
          batch.push(next);
          bytes += sizeOf(next.message);
          count += 1;
        }
        queue.arrived.splice(0, count);
      }
    }
    return batch;
  }

  /** These no longer wait. */
  done(batch: readonly Arrived[]): void {
    for (const { source, message } of batch) {
      const queue = this.#queues.get(source);
      if (queue === undefined) continue;
      queue.bytes -= sizeOf(message);
      this.#bytes -= sizeOf(message);
      if (queue.bytes === 0 && !queue.isPaused) this.#queues.delete(source);
    }
    this.#resume();
  }

  #resume(): void {
    if (this.#bytes > this.limits.ofAll / 2) return;
    for (const [source, queue] of this.#queues) {
      if (!queue.isPaused || queue.bytes > this.limits.ofNode / 2) continue;
      queue.isPaused = false;
      if (queue.bytes === 0) this.#queues.delete(source);
      queue.flow.resume();
    }
  }
}

/** Bodies are views of the frame they came in: where they are but a small part of it, they would keep all of it from being freed. */
function owned(items: readonly frames.Message[]): readonly frames.Message[] {
  const counted = items.reduce((sum, message) => sum + sizeOf(message), 0);
  const isLean = items.every(({ body }) => body.buffer.byteLength <= 2 * counted);
  return isLean ? items : items.map((message) => ({ ...message, body: new Uint8Array(message.body) }));
}

function sizeOf({ body, key }: frames.Message): number {
  return OVERHEAD + body.byteLength + (key?.length ?? 0);
}
