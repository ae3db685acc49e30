import type { Clock } from '@selvage/reconcile';
import type { DeadLetters } from './dead-letters.js';
import type { DropLedger } from './drops.js';
import type { Lanes } from './lanes.js';
import type { Queued } from './message.js';
import type { Shedding } from './shedding.js';
import type { OutboxStore } from './store.js';
import type { Timeline } from './timeline.js';
import type { Upkeep } from './upkeep.js';

/** When so many messages are to leave the disk, they leave it at once. */
export const FLUSH_COUNT = 2_000;

export interface CommitPorts {
  readonly store: Pick<OutboxStore, 'commit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly lanes: Lanes;
  readonly drops: DropLedger;
  readonly dead: DeadLetters;
  readonly timeline: Pick<Timeline, 'now'>;
  readonly shedding: Shedding;
  readonly upkeep: Upkeep;
}

/** One commit: what is new, and now and then what is gone. */
export class Commit {
  constructor(private readonly ports: CommitPorts) {}

  /** `select`: so that nothing is taken and dropped at the same time. */
  async write(append: readonly Queued[], select: (run: () => Promise<void>) => Promise<void>): Promise<void> {
    const { upkeep, lanes, shedding } = this.ports;
    if (upkeep.sweepDue) {
      upkeep.sweepDue = false;
      await select(() => shedding.outOfTime());
    }
    const before = lanes.leavingCount;
    await select(() => shedding.overBudget());
    const flush = upkeep.flushDue || lanes.leavingCount > before || before >= FLUSH_COUNT;
    await (flush ? this.#all(append) : this.#new(append));
  }

  /** Writes what is new, and takes off the disk what is gone. */
  async #all(append: readonly Queued[]): Promise<void> {
    const { store, lanes, drops, dead, upkeep } = this.ports;
    upkeep.flushed();
    const { leaving } = lanes;
    const unbury = dead.gone;
    const bury = leaving.flatMap(({ head, why }) => (why === undefined ? [] : [{ ...head, ...why }]));
    const remove = leaving.flatMap(({ head, why }) => (why === undefined ? [head] : []));
    const dropped = drops.unwritten;
    if (append.length + leaving.length + unbury.length + dropped.length === 0 && !upkeep.momentDue) return;
    upkeep.momentDue = false;
    await store.commit({ append, remove, bury, unbury, drops: dropped, ...this.#moment() });
    lanes.left(leaving);
    dead.left(unbury);
    drops.written(dropped);
  }

  async #new(append: readonly Queued[]): Promise<void> {
    if (append.length === 0) return;
    await this.ports.store.commit({ append, remove: [], bury: [], unbury: [], drops: [], ...this.#moment() });
  }

  #moment(): { born: number; wall: number } {
    return { born: this.ports.timeline.now(), wall: this.ports.clock.now() };
  }
}
