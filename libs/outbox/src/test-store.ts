import type { Drop } from './drops.js';
import type { DeadLetter, Head, Queued } from './message.js';
import type { Bounds, Change, Limits, OutboxStore } from './store.js';

/** How a write fails: `clean` leaves the disk as it was, `late` has it on the disk all the same. */
export type Fault = 'clean' | 'late';

/** A disk in memory. What was committed is there for the next store that opens it; a store that was cut off changes nothing more. */
export class TestDisk {
  epoch = 'epoch-1';
  lastSeq = 0;
  born = 0;
  wall = 0;
  readonly messages = new Map<number, Queued>();
  readonly letters = new Map<number, DeadLetter>();
  readonly drops = new Map<string, Drop>();
  commits = 0;

  apply({ append, remove, bury, unbury, drops, born, wall }: Change): void {
    this.commits += 1;
    for (const message of append) {
      if (message.seq <= this.lastSeq) throw new Error(`sequence ${message.seq} was used before`);
      this.messages.set(message.seq, message);
      this.lastSeq = message.seq;
    }
    for (const { seq } of remove) if (!this.messages.delete(seq)) throw new Error(`${seq} leaves twice`);
    for (const { seq, code, detail } of bury) {
      const message = this.messages.get(seq);
      if (message === undefined) throw new Error(`${seq} is buried and not there`);
      this.messages.delete(seq);
      this.letters.set(seq, { ...message, code, detail });
    }
    for (const seq of unbury) this.letters.delete(seq);
    for (const drop of drops) this.drops.set(`${drop.lane} ${drop.reason}`, drop);
    [this.born, this.wall] = [born, wall];
  }
}

/** A store on a `TestDisk` that takes a turn for each commit, and can fail and be cut off. */
export class TestStore implements OutboxStore {
  fault: Fault | undefined;
  /** Lanes that were looked into, each time. */
  readonly looked: string[] = [];
  #off = false;

  constructor(readonly disk: TestDisk) {}

  /** What a crash does: nothing that is under way has an effect, and nobody is told. */
  cutOff(): void {
    this.#off = true;
  }

  open(): Promise<Bounds> {
    const { epoch, lastSeq, born, wall, drops, letters, messages } = this.disk;
    const names = new Set([...messages.values()].map(({ lane }) => lane));
    const lanes = [...names].map((lane) => {
      const sizes = [...messages.values()].filter((one) => one.lane === lane).map(({ size }) => size);
      return { lane, count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
    });
    return Promise.resolve({
      ...{ epoch, lastSeq, born, wall, lanes },
      drops: [...drops.values()],
      dead: [...letters.values()].map(headOf),
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async commit(change: Change): Promise<void> {
    await this.#turn();
    if (this.fault !== 'clean') this.disk.apply(change);
    if (this.fault !== undefined) throw new Error('no space left on device');
  }

  async read(lane: string, after: number, limits: Limits): Promise<Queued[]> {
    this.looked.push(lane);
    await this.#turn();
    const found: Queued[] = [];
    let bytes = 0;
    for (const message of this.#after(lane, after)) {
      bytes += message.size;
      if (found.length >= limits.messages || (found.length > 0 && bytes > limits.bytes)) break;
      found.push(message);
    }
    return found;
  }

  async heads(lane: string, after: number, messages: number): Promise<Head[]> {
    this.looked.push(lane);
    await this.#turn();
    return this.#after(lane, after).slice(0, messages).map(headOf);
  }

  async expired(moment: number, messages: number): Promise<Head[]> {
    await this.#turn();
    const old = [...this.disk.messages.values()].filter(({ expires = Infinity }) => expires <= moment);
    return old.slice(0, messages).map(headOf);
  }

  dead(after: number, messages: number): Promise<DeadLetter[]> {
    return Promise.resolve([...this.disk.letters.values()].filter(({ seq }) => seq > after).slice(0, messages));
  }

  #after(lane: string, after: number): Queued[] {
    return [...this.disk.messages.values()].filter((one) => one.lane === lane && one.seq > after);
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#off) await new Promise(() => undefined);
  }
}

function headOf({ seq, lane, at, born, size }: Queued): Head {
  return { seq, lane, at, born, size };
}
