import type { Taken } from './message.js';

interface KeyQueue {
  /** In order; the first ones may be under way. */
  readonly messages: Taken[];
  tries: number;
  isBusy: boolean;
  isResting: boolean;
}

/** A key whose first message failed, and how often it did. */
export interface FailedKey {
  readonly key: string;
  readonly tries: number;
}

/** Messages that are held in memory, in order by key: of a key only one batch is under way. */
export class KeyQueues {
  readonly #queues = new Map<string, KeyQueue>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** What the next batch can be made of. */
  get free(): { readonly messages: number; readonly bytes: number } {
    const all = [...this.#queues.values()].filter(({ isBusy, isResting }) => !isBusy && !isResting);
    const messages = all.flatMap((queue) => queue.messages);
    return { messages: messages.length, bytes: messages.reduce((sum, { size }) => sum + size, 0) };
  }

  add(messages: readonly Taken[]): void {
    for (const message of messages) {
      const key = keyOf(message);
      const queue = this.#queues.get(key) ?? { messages: [], tries: 0, isBusy: false, isResting: false };
      queue.messages.push(message);
      this.#queues.set(key, queue);
      this.#count += 1;
      this.#bytes += message.size;
    }
  }

  /** Messages of keys that are free, which then are busy until they are released. */
  next({ messages, bytes }: { readonly messages: number; readonly bytes: number }): Taken[] {
    const batch: Taken[] = [];
    let size = 0;
    for (const queue of this.#queues.values()) {
      if (queue.isBusy || queue.isResting) continue;
      // After a failure the first message goes alone, so that it is known which one it is that fails.
      for (const message of queue.tries > 0 ? queue.messages.slice(0, 1) : queue.messages) {
        if (batch.length >= messages || (batch.length > 0 && size + message.size > bytes)) return batch;
        batch.push(message);
        size += message.size;
        queue.isBusy = true;
      }
    }
    return batch;
  }

  /** A message failed; how often it has, when it is the first of its key. Those after it are not to blame. */
  failed(message: Taken): number {
    const queue = this.#queues.get(keyOf(message));
    if (queue?.messages[0]?.seq !== message.seq) return 0;
    queue.tries += 1;
    return queue.tries;
  }

  /** A message will not be asked for again. */
  done(message: Taken): void {
    const queue = this.#queues.get(keyOf(message));
    const at = queue?.messages.findIndex(({ seq }) => seq === message.seq) ?? -1;
    if (queue === undefined || at === -1) return;
    if (at === 0) queue.tries = 0;
    queue.messages.splice(at, 1);
    this.#count -= 1;
    this.#bytes -= message.size;
  }

  /** The keys of a batch are free again; those come back whose first message failed. */
  release(batch: readonly Taken[]): FailedKey[] {
    const failed: FailedKey[] = [];
    for (const key of new Set(batch.map(keyOf))) {
      const queue = this.#queues.get(key);
      if (queue === undefined) continue;
      queue.isBusy = false;
      if (queue.messages.length === 0) this.#queues.delete(key);
      else if (queue.tries > 0) failed.push({ key, tries: queue.tries });
    }
    return failed;
  }

  rest(key: string): void {
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.isResting = true;
  }

  wake(key: string): void {
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.isResting = false;
  }
}

/** A message without a key is kept in order with the others of its lane that have none. */
function keyOf({ key }: Taken): string {
  return key === undefined ? '' : `k${key}`;
}
