import { type TotalRules, victims } from './budget.js';
import type { DropLedger, DropReason } from './drops.js';
import type { Lane, Lanes } from './lanes.js';
import type { Head } from './message.js';
import type { OutboxStore } from './store.js';
import type { Timeline } from './timeline.js';

/** Messages looked at together. */
const PAGE = 500;

export interface SheddingPorts {
  readonly store: Pick<OutboxStore, 'heads' | 'expired'>;
  readonly lanes: Lanes;
  readonly drops: DropLedger;
  readonly timeline: Pick<Timeline, 'now'>;
  readonly total: TotalRules;
}

/** Finds what has to go, and counts it. What is on its way out stays: it may have arrived already. */
export class Shedding {
  constructor(private readonly ports: SheddingPorts) {}

  /** Makes room where a budget is exceeded. */
  async overBudget(): Promise<void> {
    const { lanes, total } = this.ports;
    for (const lane of lanes.all)
      if (lane.ready > 0 && lane.rules.whenFull === 'drop-oldest')
        await this.#oldest([lane], () => lane.bytes - lane.rules.maxBytes);
    const over = (): number => lanes.bytes - total.maxBytes;
    while (over() > 0) {
      const from = victims(lanes.all, total);
      if (from.length === 0 || (await this.#oldest(from, over)) === 0) return;
    }
  }

  /** Drops what is too old for its lane, or past its own time. */
  async outOfTime(): Promise<void> {
    const now = this.ports.timeline.now();
    for (const lane of this.ports.lanes.all) {
      const { maxAgeMs } = lane.rules;
      if (maxAgeMs !== undefined) await this.#olderThan(lane, now - maxAgeMs);
    }
    for (const head of await this.ports.store.expired(now, PAGE * 2)) this.#drop(head, 'expired');
  }

  async #olderThan(lane: Lane, born: number): Promise<void> {
    for await (const head of this.#idle(lane)) {
      if (head.born >= born) return;
      this.#drop(head, 'age');
    }
  }

  /** Drops the oldest of some lanes until nothing is over; how many went. */
  async #oldest(from: readonly Lane[], over: () => number): Promise<number> {
    if (over() <= 0) return 0;
    const heads: Head[] = [];
    for (const lane of from) heads.push(...(await this.#page(lane)));
    let dropped = 0;
    // Sequences rise in time over all lanes. What comes after the last of a full page is not known: the next round looks again.
    for (const head of heads.sort((a, b) => a.seq - b.seq).slice(0, PAGE)) {
      if (over() <= 0) return dropped;
      if (this.#drop(head, 'budget')) dropped += 1;
    }
    return dropped === 0 ? 0 : dropped + (await this.#oldest(from, over));
  }

  async *#idle(lane: Lane): AsyncGenerator<Head> {
    if (lane.ready <= 0) return;
    for (let after = lane.cursor; ;) {
      const page = await this.ports.store.heads(lane.name, after, PAGE);
      yield* page.filter(({ seq }) => !this.ports.lanes.isLeaving(seq));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.seq;
    }
  }

  /** The next messages of a lane that nobody took and that are not leaving. */
  async #page(lane: Lane): Promise<Head[]> {
    const found: Head[] = [];
    for await (const head of this.#idle(lane)) if (found.push(head) === PAGE) break;
    return found;
  }

  #drop(head: Head, reason: DropReason): boolean {
    const { lanes, drops } = this.ports;
    if (lanes.isTaken(head.seq) || lanes.isLeaving(head.seq)) return false;
    lanes.leave(head);
    drops.count(reason, head);
    return true;
  }
}
