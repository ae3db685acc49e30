import { type Backoff, type Cancel, type Clock, delay } from '@selvage/reconcile';
import type { Queued } from './message.js';
import { OutboxRefusal } from './refusal.js';

const MIB = 1024 * 1024;
/** Bytes that may wait for the disk; more is refused. */
const MAX_WAITING = 64 * MIB;
/** Most bytes of one commit. */
const MAX_BATCH = 4 * MIB;
/** How long nothing is tried after the disk failed. */
const REST: Backoff = { baseMs: 1_000, capMs: 30_000, floorMs: 500 };

export interface GroupCommitPorts {
  readonly clock: Pick<Clock, 'timer'>;
  readonly random: () => number;
  /** Writes a batch, which may be empty, and whatever else is due. */
  write(batch: readonly Queued[]): Promise<void>;
  /** Begins anew with what is on the disk, after a failure. */
  recover(): Promise<void>;
  /** Told when writing begins to fail. */
  failed(error: Error): void;
}

/** What is written together, and who waits for it. */
interface Batch {
  readonly messages: Queued[];
  bytes: number;
  readonly committed: Promise<void>;
  readonly settle: (error?: Error) => void;
}

/**
 * One commit after the other, each with everything that was asked for while the one before was under way. After a failure all who
 * wait are told, and nothing is taken until the store could be opened again.
 */
export class GroupCommit {
  readonly #ports: GroupCommitPorts;
  readonly #batches: Batch[] = [];
  #waiting = 0;
  #due = false;
  #writing: Promise<void> | undefined;
  #resting: Cancel | undefined;
  #failures = 0;
  #why: Error | undefined;

  constructor(ports: GroupCommitPorts) {
    this.#ports = ports;
  }

  /** Why the last try to write failed, while it is so. */
  get failure(): Error | undefined {
    return this.#why;
  }

  /** @throws OutboxRefusal when nothing more can be taken now. */
  check(size: number): void {
    if (this.#why !== undefined)
      throw new OutboxRefusal('unavailable', `The disk refuses: ${this.#why.message}`, { cause: this.#why });
    if (this.#waiting + size > MAX_WAITING) throw new OutboxRefusal('busy', 'The disk does not keep up.');
  }

  /** Resolves when the message is on the disk. Call `check` before. */
  add(message: Queued): Promise<void> {
    let batch = this.#batches.at(-1);
    if (batch === undefined || batch.bytes >= MAX_BATCH) this.#batches.push((batch = newBatch()));
    batch.messages.push(message);
    batch.bytes += message.size;
    this.#waiting += message.size;
    this.#begin();
    return batch.committed;
  }

  /** There is something else to write. */
  poke(): void {
    this.#due = true;
    this.#begin();
  }

  /** Writes what waits. */
  async stop(): Promise<void> {
    this.#resting?.();
    while (this.#writing !== undefined) await this.#writing;
  }

  #begin(): void {
    if (this.#writing !== undefined || this.#why !== undefined) return;
    this.#writing = this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#due || this.#batches.length > 0) this.#begin();
    });
  }

  async #drain(): Promise<void> {
    // One turn later, so that what is asked for at the same moment shares a commit.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#why === undefined && (this.#due || this.#batches.length > 0)) {
      const batch = this.#batches.shift() ?? newBatch();
      this.#due = false;
      this.#waiting -= batch.bytes;
      await this.#write(batch);
    }
  }

  async #write(batch: Batch): Promise<void> {
    try {
      await this.#ports.write(batch.messages);
      batch.settle();
    } catch (thrown) {
      this.fail(thrown, batch);
    }
  }

  /** The store failed: all who wait are told. `batch` is what was being written. */
  fail(thrown: unknown, batch?: Batch): void {
    const error = errorOf(thrown);
    const waiting = [...(batch === undefined ? [] : [batch]), ...this.#batches.splice(0)];
    for (const one of waiting)
      one.settle(new OutboxRefusal('unavailable', `The disk refuses: ${error.message}`, { cause: error }));
    this.#waiting = 0;
    if (this.#why !== undefined) return;
    this.#why = error;
    this.#ports.failed(error);
    this.#rest();
  }

  #rest(): void {
    this.#failures += 1;
    this.#resting = this.#ports.clock.timer(delay(this.#failures, REST, this.#ports.random), () => {
      void this.#recover();
    });
  }

  async #recover(): Promise<void> {
    try {
      await this.#ports.recover();
    } catch (thrown) {
      this.#why = errorOf(thrown);
      this.#rest();
      return;
    }
    this.#why = undefined;
    this.#failures = 0;
    if (this.#due) this.#begin();
  }
}

function newBatch(): Batch {
  let settle: Batch['settle'] = () => undefined;
  const committed = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  // A commit that nobody waits for may fail: it is told of otherwise.
  committed.catch(() => undefined);
  return { messages: [], bytes: 0, committed, settle };
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
