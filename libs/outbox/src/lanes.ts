import type { LaneLoad, LaneRules, TotalRules, Whole } from './budget.js';
import type { Head, Queued, Reason } from './message.js';
import type { LaneCount } from './store.js';

/** A message that is gone for everyone but still on the disk; with a reason it becomes a dead letter there. */
export interface Leaving {
  readonly head: Head;
  readonly why?: Reason;
}

/** What is known of one lane without reading it. */
export class Lane implements LaneLoad {
  /** On the disk and not leaving. */
  count = 0;
  stored = 0;
  /** Being written. */
  coming = 0;
  /** On their way out. */
  takenCount = 0;
  taken = 0;
  /** Up to here everything was taken, or is gone. */
  cursor = 0;

  constructor(
    readonly name: string,
    private readonly rulesOf: (lane: string) => LaneRules,
  ) {}

  get rules(): LaneRules {
    return this.rulesOf(this.name);
  }
  get bytes(): number {
    return this.stored + this.coming;
  }
  get idle(): number {
    return this.stored - this.taken;
  }
  /** How many could be taken now. */
  get ready(): number {
    return this.count - this.takenCount;
  }
}

/** Who holds which message: the disk, a pump, or nobody any more. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #taken = new Map<number, Head>();
  readonly #leaving = new Map<number, Leaving>();
  #bytes = 0;

  constructor(private readonly rulesOf: (lane: string) => LaneRules) {}

  /** Begins anew with what is on the disk. */
  reset(counts: readonly LaneCount[]): void {
    for (const map of [this.#lanes, this.#taken, this.#leaving]) map.clear();
    this.#bytes = 0;
    for (const { lane: name, count, bytes } of counts) {
      const lane = this.of(name);
      lane.count = count;
      lane.stored = bytes;
      this.#bytes += bytes;
    }
  }

  of(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = new Lane(name, this.rulesOf)));
    return lane;
  }

  get all(): Lane[] {
    return [...this.#lanes.values()];
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** What a budget needs to know of all of them. */
  whole(rules: TotalRules): Whole {
    return { rules, bytes: this.#bytes, lanes: () => this.all };
  }
  get leaving(): readonly Leaving[] {
    return [...this.#leaving.values()];
  }
  get leavingCount(): number {
    return this.#leaving.size;
  }
  isLeaving(seq: number): boolean {
    return this.#leaving.has(seq);
  }
  isTaken(seq: number): boolean {
    return this.#taken.has(seq);
  }

  coming({ lane, size }: Queued): void {
    this.of(lane).coming += size;
    this.#bytes += size;
  }

  came(batch: readonly Queued[]): void {
    for (const { lane: name, size } of batch) {
      const lane = this.of(name);
      lane.coming -= size;
      lane.stored += size;
      lane.count += 1;
    }
  }

  take({ seq, lane: name, at, born, size }: Head): void {
    const lane = this.of(name);
    lane.cursor = seq;
    lane.takenCount += 1;
    lane.taken += size;
    this.#taken.set(seq, { seq, lane: name, at, born, size });
  }

  /** A message that somebody took is gone, once: undefined when it was not taken. */
  leaveTaken(seq: number, why?: Reason): Head | undefined {
    const head = this.#taken.get(seq);
    if (head === undefined) return undefined;
    this.#giveBack(head);
    this.leave(head, why);
    return head;
  }

  /** A message that nobody took is gone. */
  leave(head: Head, why?: Reason): void {
    const lane = this.of(head.lane);
    lane.count -= 1;
    lane.stored -= head.size;
    this.#bytes -= head.size;
    this.#leaving.set(head.seq, why === undefined ? { head } : { head, why });
  }

  /** These are off the disk. */
  left(leaving: readonly Leaving[]): void {
    for (const { head } of leaving) this.#leaving.delete(head.seq);
  }

  /** What was taken of a lane, or of all of them, may be taken again. */
  rewind(only?: string): void {
    for (const head of this.#taken.values()) {
      if (only !== undefined && head.lane !== only) continue;
      const lane = this.of(head.lane);
      lane.cursor = Math.min(lane.cursor, head.seq - 1);
      this.#giveBack(head);
    }
  }

  #giveBack({ seq, lane: name, size }: Head): void {
    const lane = this.of(name);
    lane.takenCount -= 1;
    lane.taken -= size;
    this.#taken.delete(seq);
  }
}
