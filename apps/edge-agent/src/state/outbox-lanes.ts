import type { Change, LaneCount } from '@selvage/outbox';
import type { z } from 'zod';
import type { laneRow, LaneNames, tailRow } from './outbox-rows.js';

interface Counted {
  readonly id: number;
  readonly name: string;
  count: number;
  bytes: number;
}

/** What the file holds of each lane, and the numbers by which it names them. */
export class OutboxLanes implements LaneNames {
  readonly #byName = new Map<string, Counted>();
  readonly #byId = new Map<number, Counted>();
  #grew = false;

  /** From the counts that were written, and what came after. */
  constructor(counted: readonly z.infer<typeof laneRow>[], tail: readonly z.infer<typeof tailRow>[]) {
    for (const row of counted) this.#add({ ...row });
    for (const { lane, count, bytes } of tail) {
      const there = this.#byId.get(lane);
      if (there === undefined) continue;
      there.count += count;
      there.bytes += bytes;
    }
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  idOf(name: string): number {
    const there = this.#byName.get(name);
    if (there !== undefined) return there.id;
    const id = Math.max(0, ...this.#byId.keys()) + 1;
    this.#add({ id, name, count: 0, bytes: 0 });
    this.#grew = true;
    return id;
  }

  nameOf(id: number): string {
    return this.#byId.get(id)?.name ?? `unknown-${id}`;
  }

  get counts(): LaneCount[] {
    return [...this.#byName.values()].map(({ name: lane, count, bytes }) => ({ lane, count, bytes }));
  }

  /** A change is on the disk, or is about to be together with what `rows` says. */
  apply({ append, remove, bury }: Pick<Change, 'append' | 'remove' | 'bury'>): void {
    for (const one of append) this.#count(one.lane, 1, one.size);
    for (const one of [...remove, ...bury]) this.#count(one.lane, -1, -one.size);
  }

  /** Whether there are lanes that the file does not know. */
  get grew(): boolean {
    return this.#grew;
  }

  written(): void {
    this.#grew = false;
  }

  /** All counts as `SET_LANES` takes them. */
  get rows(): string {
    return JSON.stringify([...this.#byName.values()].map(({ id, name, count, bytes }) => [id, name, count, bytes]));
  }

  #count(name: string, messages: number, bytes: number): void {
    const lane = this.#byName.get(name) ?? this.#byId.get(this.idOf(name));
    if (lane === undefined) return;
    lane.count += messages;
    lane.bytes += bytes;
  }

  #add(lane: Counted): void {
    this.#byName.set(lane.name, lane);
    this.#byId.set(lane.id, lane);
  }
}
