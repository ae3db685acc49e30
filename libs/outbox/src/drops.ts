import type { Head } from './message.js';

/**
 * `budget`: made room for newer ones · `age`: older than its lane keeps them · `expired`: its own time to live ended · `refused`: not
 * taken, and its sender was told · `dead-letters`: made room among the dead letters · `discarded`: a person threw the dead letter away
 * · `broken-file`: the file was damaged.
 */
export type DropReason = 'budget' | 'age' | 'expired' | 'refused' | 'dead-letters' | 'discarded' | 'broken-file';

/** How many messages of a lane were dropped for one reason since the file was made; from when to when they were, epoch milliseconds. */
export interface Drop {
  readonly lane: string;
  readonly reason: DropReason;
  readonly count: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Counts every message that will not be delivered, by lane and reason. */
export class DropLedger {
  readonly #totals = new Map<string, Drop>();
  readonly #changed = new Set<string>();

  /** Begins with what is on the disk. Refusals that were not written yet are kept: nothing on the disk knows of them. */
  reset(totals: readonly Drop[]): void {
    const { unwritten } = this;
    this.#totals.clear();
    this.#changed.clear();
    for (const drop of totals) this.#totals.set(nameOf(drop), drop);
    for (const drop of unwritten.filter(({ reason }) => reason === 'refused')) {
      this.#totals.set(nameOf(drop), drop);
      this.#changed.add(nameOf(drop));
    }
  }

  count(reason: DropReason, { lane, at, size }: Pick<Head, 'lane' | 'at' | 'size'>): void {
    const name = nameOf({ lane, reason });
    const before = this.#totals.get(name) ?? { count: 0, bytes: 0, first: at, last: at };
    this.#totals.set(name, {
      lane,
      reason,
      count: before.count + 1,
      bytes: before.bytes + size,
      first: Math.min(before.first, at),
      last: Math.max(before.last, at),
    });
    this.#changed.add(name);
  }

  get all(): readonly Drop[] {
    return [...this.#totals.values()];
  }

  /** The totals that changed since they were written. */
  get unwritten(): readonly Drop[] {
    return [...this.#changed].flatMap((name) => this.#totals.get(name) ?? []);
  }

  /** Nobody asks for those of these lanes any more. */
  forget(lanes: ReadonlySet<string>): void {
    for (const [name, { lane }] of this.#totals) {
      if (!lanes.has(lane)) continue;
      this.#totals.delete(name);
      this.#changed.delete(name);
    }
  }

  /** These totals are on the disk. */
  written(drops: readonly Drop[]): void {
    for (const drop of drops) if (this.#totals.get(nameOf(drop)) === drop) this.#changed.delete(nameOf(drop));
  }
}

function nameOf({ lane, reason }: Pick<Drop, 'lane' | 'reason'>): string {
  return `${reason} ${lane}`;
}
