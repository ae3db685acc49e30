import { FakeClock, settled, until } from '@selvage/testkit';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LANE, DEFAULT_TOTAL } from './budget.js';
import type { Taken } from './message.js';
import { Outbox } from './outbox.js';
import { type Outcome, Pump, type PumpOptions } from './pump.js';
import { TestDisk, TestStore } from './test-store.js';

const DELIVERED: Outcome = { is: 'delivered' };
const FAILED: Outcome = { is: 'failed', code: 'internal', detail: 'it broke' };

describe('a pump', () => {
  let clock: FakeClock;
  let outbox: Outbox;
  let pump: Pump;
  let delivered: string[];
  let verdict: (text: string) => Outcome;
  const nameOf = ({ key = '', body }: Taken): string => key + Buffer.from(body).toString();
  const put = (...names: string[]): Promise<unknown> =>
    Promise.all(
      names.map(([key = '', ...text]) => outbox.append({ lane: 'r', key, body: Buffer.from(text.join('')) })),
    );
  const build = (options: Partial<PumpOptions> = {}): void => {
    const batch = { messages: 1, bytes: 10_000 };
    const backoff = { baseMs: 1_000, capMs: 8_000 };
    const shape = { inFlight: 4, batch, held: 50, maxTries: 3, backoff, random: () => 0.5 };
    const deliver = async (messages: readonly Taken[]): Promise<Outcome[]> => {
      await new Promise((resolve) => setImmediate(resolve));
      return messages.map((message) => {
        const outcome = verdict(nameOf(message));
        if (outcome.is === 'delivered') delivered.push(nameOf(message));
        return outcome;
      });
    };
    pump = new Pump({ outbox, clock, lane: 'r', deliver, ...shape, ...options });
    pump.open();
  };

  /** Lets everything happen that needs no time. */
  const quiet = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await settled();
  };

  beforeEach(async () => {
    clock = new FakeClock();
    const store = new TestStore(new TestDisk());
    const rules = (): typeof DEFAULT_LANE => DEFAULT_LANE;
    outbox = new Outbox({ store, clock, rules, total: DEFAULT_TOTAL, maxMessage: 10_000 });
    await outbox.start();
    [delivered, verdict] = [[], () => DELIVERED];
  });

  it('delivers what is there and what comes, in order by key', async () => {
    await put('a1', 'b1', 'a2', 'c1', 'a3');
    build();
    await quiet();
    await put('a4');
    await quiet();
    expect(delivered.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a4']);
    expect(delivered).toHaveLength(6);
    expect(outbox.lanes[0]?.count).toBe(0);
  });

  it('holds up only the key of a message that fails, and buries it after so many tries', async () => {
    verdict = (name) => (name === 'a1' ? FAILED : DELIVERED);
    await put('a1', 'a2', 'b1', 'b2');
    build();
    await quiet();
    expect(delivered).toEqual(['b1', 'b2']);
    await clock.advance(10_000);
    expect(delivered).toEqual(['b1', 'b2', 'a2']);
    expect((await outbox.dead(0, 9)).map(({ seq, detail }) => [seq, detail])).toEqual([[1, 'it broke']]);
  });

  it('holds no more bytes in memory than may be under way', async () => {
    const body = Buffer.alloc(1_000);
    await Promise.all(Array.from({ length: 20 }, () => outbox.append({ lane: 'r', body })));
    let free: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (free = resolve));
    const deliver = (batch: readonly Taken[]): Promise<Outcome[]> => gate.then(() => batch.map(() => DELIVERED));
    build({ deliver, inFlight: 2, batch: { messages: 1, bytes: 2_000 } });
    await quiet();
    expect(await outbox.take({ messages: 6, bytes: 100_000 }, 'r')).toMatchObject([{ seq: 5 }, {}, {}, {}, {}, {}]);
    await outbox.rewind('r');
    free();
    await until(() => outbox.lanes[0]?.count === 0);
  });

  describe('that gathers', () => {
    const batches: number[] = [];
    const deliver = (batch: readonly Taken[]): Promise<Outcome[]> => {
      batches.push(batch.length);
      return Promise.resolve(batch.map(() => DELIVERED));
    };
    const gather = { deliver, gatherMs: 60_000, inFlight: 2, batch: { messages: 4, bytes: 10_000 } };
    beforeEach(() => void batches.splice(0));

    it('waits for a full batch, or until the first message of it has waited long enough', async () => {
      build(gather);
      await put('a1', 'a2', 'b1');
      await quiet();
      await clock.advance(59_999);
      expect(batches).toEqual([]);
      await clock.advance(1);
      expect(batches).toEqual([3]);
      await put('a3', 'a4', 'b2', 'b3', 'c1');
      await quiet();
      expect(batches).toEqual([3, 4]);
      await clock.advance(60_000);
      await quiet();
      expect(batches).toEqual([3, 4, 1]);
    });

    it('sends as soon as there are bytes enough', async () => {
      build({ ...gather, batch: { messages: 100, bytes: 2_000 } });
      await Promise.all([1, 2, 3].map(() => outbox.append({ lane: 'r', body: Buffer.alloc(900) })));
      await quiet();
      expect(batches).toEqual([2]);
    });

    it('tries again what it gathered as soon as the destination may be back', async () => {
      let away = true;
      build({ ...gather, deliver: (batch) => (away ? Promise.reject(new Error('away')) : deliver(batch)) });
      await put('a1');
      await quiet();
      await clock.advance(60_000);
      away = false;
      await clock.advance(1_000);
      await quiet();
      expect(batches).toEqual([1]);
    });
  });

  it('does not look into its lane when messages came into others', async () => {
    let looks = 0;
    const take: Outbox['take'] = (...given) => ((looks += 1), outbox.take(...given));
    const asked = { take, settle: () => undefined, bury: () => undefined, rewind: () => Promise.resolve() };
    build({ outbox: { ...asked, listen: (listener) => outbox.listen(listener) } });
    await quiet();
    const before = looks;
    await outbox.append({ lane: 'other', body: Buffer.alloc(1) });
    await quiet();
    expect(looks).toBe(before);
    await put('a1');
    await quiet();
    expect(delivered).toEqual(['a1']);
  });

  it('rests while the destination is away, blames no message, and has one try at a time', async () => {
    let tries = 0;
    await put(...Array.from({ length: 8 }, (_, index) => `${String.fromCharCode(97 + index)}1`));
    build({
      deliver: (batch) => {
        tries += 1;
        if (clock.monotonic() < 100_000) return Promise.reject(new Error('refused'));
        return Promise.resolve(batch.map(() => DELIVERED));
      },
    });
    await clock.advance(90_000);
    expect(tries).toBeLessThan(40);
    await clock.advance(60_000);
    expect(outbox.lanes[0]?.count).toBe(0);
    expect(outbox.deadCount).toBe(0);
  });

  it('gives back what it holds when it is closed', async () => {
    let aborted = 0;
    await put('a1', 'a2', 'b1');
    build({
      deliver: (_batch, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted += 1;
            reject(new Error('closed'));
          });
        }),
    });
    await quiet();
    pump.close();
    expect(aborted).toBe(2);
    build();
    await quiet();
    expect(delivered.sort()).toEqual(['a1', 'a2', 'b1']);
  });

  it('keeps order by key and buries only what always fails, whatever fails in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 25 }),
        fc.array(fc.constantFrom('ok', 'fail', 'away'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (messages, mood, size) => {
          const poison = new Set(messages.flatMap(([key, bad], index) => (bad ? [`${key}${index}`] : [])));
          const fresh = new Outbox({
            ...{ store: new TestStore(new TestDisk()), clock, rules: () => DEFAULT_LANE, total: DEFAULT_TOTAL },
            maxMessage: 10_000,
          });
          await fresh.start();
          const seen: string[] = [];
          const deliver = (batch: readonly Taken[]): Promise<Outcome[]> => {
            const now = mood.shift() ?? 'ok';
            if (now === 'away') return Promise.reject(new Error('away'));
            const stuck = new Set<string>();
            const outcomes = batch.map((message): Outcome => {
              const bad = poison.has(nameOf(message)) || stuck.has(message.key ?? '');
              if (bad) stuck.add(message.key ?? '');
              else seen.push(nameOf(message));
              return bad ? FAILED : DELIVERED;
            });
            return Promise.resolve(outcomes);
          };
          const one = new Pump({
            ...{ outbox: fresh, clock, lane: 'r', deliver, inFlight: 3, held: 6, maxTries: 2 },
            ...{ batch: { messages: size, bytes: 10_000 }, backoff: { baseMs: 10, capMs: 100 } },
          });
          one.open();
          const all = messages.map(([key], index) => ({ lane: 'r', key, body: Buffer.from(String(index)) }));
          await Promise.all(all.map((message) => fresh.append(message)));
          for (let round = 0; round < 60; round += 1) await clock.advance(400);
          const expected = messages.flatMap(([key, bad], index) => (bad ? [] : [`${key}${index}`]));
          for (const key of ['a', 'b', 'c'])
            expect(seen.filter((name) => name.startsWith(key))).toEqual(
              expected.filter((name) => name.startsWith(key)),
            );
          expect(fresh.deadCount).toBe(poison.size);
          one.close();
          await fresh.stop();
        },
      ),
      { numRuns: 40 },
    );
  });
});
