import { FakeClock, settled } from '@selvage/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LANE, type TotalRules } from './budget.js';
import type { Taken } from './message.js';
import { Outbox } from './outbox.js';
import { Stream } from './stream.js';
import { type Fault, TestDisk, TestStore } from './test-store.js';

const ample: TotalRules = { maxBytes: 1e9, whenFull: 'refuse' };
const tight: TotalRules = { maxBytes: 400, whenFull: 'drop-lowest-priority' };

type Step =
  | { readonly do: 'append'; readonly lane: 'a' | 'b'; readonly many: number }
  | { readonly do: 'connect' | 'cut' | 'commit' | 'crash' | 'wait' }
  | { readonly do: 'fault'; readonly fault: Fault | undefined };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        lane: fc.constantFrom('a', 'b'),
        many: fc.integer({ min: 1, max: 12 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('connect', 'cut', 'commit', 'commit', 'crash', 'wait') }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('fault' as const), fault: fc.constantFrom('clean', 'late', undefined) }),
    },
  ),
  { maxLength: 60 },
);

/** An agent whose outbox crashes, a hub that stores and removes doubles, and a link that is cut. */
class World {
  readonly clock = new FakeClock();
  readonly disk = new TestDisk();
  readonly acknowledged: string[] = [];
  readonly applied: { readonly seq: number; readonly lane: string; readonly text: string }[] = [];
  readonly positions = new Map<string, number>();
  #store = new TestStore(this.disk);
  #outbox: Outbox;
  #stream: Stream;
  #arrived: Taken[] | undefined;
  #made = 0;

  constructor(private readonly total: TotalRules) {
    [this.#outbox, this.#stream] = this.#build();
  }

  get outbox(): Outbox {
    return this.#outbox;
  }
  get connected(): boolean {
    return this.#arrived !== undefined;
  }

  start(): Promise<void> {
    return this.#outbox.start();
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'append') this.#append(step.lane, step.many);
    else if (step.do === 'fault') this.#store.fault = step.fault;
    else if (step.do === 'crash') await this.crash();
    else if (step.do === 'wait') await this.clock.advance(40_000);
    else this[step.do]();
    await settled();
  }

  connect(): void {
    this.cut();
    const arrived: Taken[] = (this.#arrived = []);
    this.#stream.open((batch) => arrived.push(...batch));
  }

  cut(): void {
    this.#arrived = undefined;
    this.#stream.close();
  }

  /** The hub stores what has arrived, each message once, and says so if the link is still there. */
  commit(): void {
    const arrived = this.#arrived?.splice(0) ?? [];
    const upTo = new Map<string, number>();
    for (const { seq, lane, body } of arrived) {
      upTo.set(lane, seq);
      const text = Buffer.from(body).toString();
      // Said again each time: the agent may have died before it had the dead letter on its disk.
      if (text.endsWith('7')) this.#stream.rejected(seq, { code: 'bad_request', detail: 'seven' });
      if (text.endsWith('7') || seq <= (this.positions.get(lane) ?? 0)) continue;
      this.positions.set(lane, seq);
      this.applied.push({ seq, lane, text });
    }
    for (const [lane, seq] of upTo) this.#stream.settled(lane, seq);
  }

  /** The process dies at once; what was not told is never told. */
  async crash(): Promise<void> {
    this.#store.cutOff();
    this.cut();
    this.#store = new TestStore(this.disk);
    [this.#outbox, this.#stream] = this.#build();
    await this.start();
  }

  /** All goes well from here on, until nothing is left to deliver. */
  async calm(): Promise<void> {
    this.#store.fault = undefined;
    await this.clock.advance(60_000);
    this.connect();
    for (let round = 0; round < 200; round += 1) {
      await settled();
      this.commit();
    }
    await this.clock.advance(1_000);
    await this.#outbox.stop();
  }

  #append(lane: string, many: number): void {
    const outbox = this.#outbox;
    for (let index = 0; index < many; index += 1) {
      const text = String((this.#made += 1));
      outbox.append({ lane, body: Buffer.from(text) }).then(
        () => this.acknowledged.push(text),
        () => undefined,
      );
    }
  }

  #build(): [Outbox, Stream] {
    const { clock, total } = this;
    const outbox = new Outbox({
      ...{ store: this.#store, clock, total, maxMessage: 1_000, random: () => 0.5 },
      rules: (lane) => ({ ...DEFAULT_LANE, priority: lane === 'a' ? 0 : 1 }),
    });
    const window = { start: 200, least: 100, most: 2_000 };
    return [outbox, new Stream({ outbox, clock, window, batch: { messages: 5, bytes: 300 } })];
  }
}

/** Lives through all steps and comes to rest; what no world may ever do is checked here. */
async function live(total: TotalRules, all: readonly Step[]): Promise<World & { readonly missing: readonly string[] }> {
  const world = new World(total);
  await world.start();
  for (const step of all) await world.step(step);
  await world.calm();
  const { applied, acknowledged, disk } = world;
  const arrived = applied.map(({ text }) => text);
  expect(new Set(arrived).size).toBe(arrived.length);
  const dead = [...disk.letters.values()].map(({ body }) => Buffer.from(body).toString());
  const there = new Set([...arrived, ...dead]);
  expect(disk.messages.size).toBe(0);
  return Object.assign(world, { missing: acknowledged.filter((text) => !there.has(text)) });
}

/** Runs a property, and sees that the worlds were not all empty: enough of what it counts has happened in them. */
async function always(enough: number, property: (all: Step[]) => Promise<number>): Promise<void> {
  let count = 0;
  const counted = async (all: Step[]): Promise<void> => {
    count += await property(all);
  };
  await fc.assert(fc.asyncProperty(steps, counted), { numRuns: 150 });
  expect(count).toBeGreaterThan(enough);
}

describe('whatever fails when, with room enough,', () => {
  it('every acknowledged message arrives once and in order, or is a dead letter', () =>
    always(300, async (all) => {
      const { missing, applied, acknowledged, outbox } = await live(ample, all);
      expect(missing).toEqual([]);
      for (const lane of ['a', 'b']) {
        const order = applied.filter((one) => one.lane === lane).map(({ text }) => Number(text));
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
      expect(outbox.drops.filter(({ reason }) => reason !== 'refused')).toEqual([]);
      return acknowledged.length;
    }));
});

describe('whatever fails when, with little room,', () => {
  it('every acknowledged message arrives, is a dead letter, or is counted as dropped', () =>
    always(50, async (all) => {
      const { missing, outbox } = await live(tight, all);
      const dropped = outbox.drops.filter(({ reason }) => reason === 'budget');
      expect(missing.length).toBeLessThanOrEqual(dropped.reduce((sum, { count }) => sum + count, 0));
      expect(outbox.lanes.every(({ count, bytes }) => count === 0 && bytes === 0)).toBe(true);
      return missing.length;
    }));
});
