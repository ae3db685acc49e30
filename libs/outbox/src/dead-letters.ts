import type { DropLedger } from './drops.js';
import type { Head } from './message.js';

const MIB = 1024 * 1024;
const MAX_LETTERS = 1_000;
const MAX_BYTES = 16 * MIB;

/** What is known of the dead letters without reading them: bounded, the oldest make room, counted. */
export class DeadLetters {
  #heads = new Map<number, Head>();
  #gone = new Set<number>();
  #bytes = 0;

  constructor(private readonly ledger: DropLedger) {}

  reset(heads: readonly Head[]): void {
    this.#heads = new Map(heads.map((head) => [head.seq, head]));
    this.#gone.clear();
    this.#bytes = heads.reduce((sum, { size }) => sum + size, 0);
  }

  get count(): number {
    return this.#heads.size;
  }

  /** How many there are of each lane. */
  get lanes(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { lane } of this.#heads.values()) counts.set(lane, (counts.get(lane) ?? 0) + 1);
    return counts;
  }

  in(lanes: (lane: string) => boolean): Head[] {
    return [...this.#heads.values()].filter(({ lane }) => lanes(lane));
  }

  has(seq: number): boolean {
    return this.#heads.has(seq);
  }

  add(head: Head): void {
    this.#heads.set(head.seq, head);
    this.#bytes += head.size;
    for (const oldest of this.#heads.values()) {
      if (this.#heads.size <= MAX_LETTERS && this.#bytes <= MAX_BYTES) return;
      this.#forget(oldest);
      this.ledger.count('dead-letters', oldest);
    }
  }

  /** Undefined when there is none of this sequence. */
  remove(seq: number): Head | undefined {
    const head = this.#heads.get(seq);
    if (head !== undefined) this.#forget(head);
    return head;
  }

  /** Removed and still on the disk. */
  get gone(): readonly number[] {
    return [...this.#gone];
  }

  left(seqs: readonly number[]): void {
    for (const seq of seqs) this.#gone.delete(seq);
  }

  #forget({ seq, size }: Head): void {
    this.#heads.delete(seq);
    this.#bytes -= size;
    this.#gone.add(seq);
  }
}
