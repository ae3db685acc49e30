import { FakeClock, settled } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LANE, DEFAULT_TOTAL, type LaneRules, type TotalRules } from './budget.js';
import type { Taken } from './message.js';
import { Outbox } from './outbox.js';
import { TestDisk, TestStore } from './test-store.js';

const MANY = { messages: 100, bytes: 1_000_000 };
const body = (text = 'x', bytes = 100): Buffer => Buffer.from(text.padEnd(bytes, '.'));
/** What a message of `body()` counts for. */
const SIZE = 148;

describe('an outbox', () => {
  let clock: FakeClock;
  let disk: TestDisk;
  let store: TestStore;
  let rules: Record<string, Partial<LaneRules>>;
  let outbox: Outbox;
  const open = async (total: TotalRules = DEFAULT_TOTAL): Promise<void> => {
    store = new TestStore(disk);
    outbox = new Outbox({
      ...{ store, clock, total, maxMessage: 10_000, random: () => 0.5 },
      rules: (lane) => ({ ...DEFAULT_LANE, ...rules[lane] }),
    });
    await outbox.start();
  };
  const put = (lane: string, text = 'x'): Promise<void> => outbox.append({ lane, body: body(text) });
  const texts = (taken: readonly Taken[]): string[] =>
    taken.map(({ lane, body: bytes }) => `${lane}:${Buffer.from(bytes).toString().replaceAll('.', '')}`);
  const counts = (): string[] => outbox.drops.map(({ lane, reason, count }) => `${lane} ${reason} ${count}`);

  beforeEach(async () => {
    [clock, disk, rules] = [new FakeClock(), new TestDisk(), {}];
    await open();
  });

  it('acknowledges what is on the disk, with few commits for many messages', async () => {
    let acknowledged = 0;
    const all = Array.from({ length: 500 }, (_, index) => put('a', String(index)).then(() => (acknowledged += 1)));
    expect([acknowledged, disk.messages.size]).toEqual([0, 0]);
    await Promise.all(all);
    expect(disk.messages.size).toBe(500);
    expect(disk.commits).toBeLessThan(4);
  });

  it('gives each message once, in order, and all that is not settled again after a crash', async () => {
    for (const text of ['1', '2', '3', '4']) await put('a', text);
    const first = await outbox.take({ messages: 3, bytes: 1_000 });
    expect(texts(first)).toEqual(['a:1', 'a:2', 'a:3']);
    expect(texts(await outbox.take(MANY))).toEqual(['a:4']);
    outbox.settle([first[0]?.seq ?? 0, first[1]?.seq ?? 0]);
    outbox.settle([first[0]?.seq ?? 0, 99]);
    expect(outbox.lanes).toEqual([{ lane: 'a', count: 2, bytes: 2 * SIZE }]);
    await clock.advance(100);
    store.cutOff();
    await open();
    expect(texts(await outbox.take(MANY))).toEqual(['a:3', 'a:4']);
  });

  it('looks only into lanes where something lies, although there were many', async () => {
    for (const lane of ['a', 'b', 'c']) await put(lane);
    outbox.settle((await outbox.take(MANY, 'b')).map(({ seq }) => seq));
    await outbox.take(MANY, 'c');
    await clock.advance(1_000);
    store.looked.length = 0;
    await clock.advance(10_000);
    expect(store.looked).toEqual(['a']);
  });

  it('takes over what a transaction of somebody else has written, and nothing that was rolled back', async () => {
    const lost = outbox.prepare([{ lane: 'b', body: body('lost') }]);
    const kept = outbox.prepare(['1', '2'].map((text) => ({ lane: 'b', body: body(text) })));
    await put('a', '0');
    for (const message of kept.queued) disk.messages.set(message.seq, message);
    expect(texts(await outbox.take(MANY, 'b'))).toEqual([]);
    let told = 0;
    outbox.listen({ ready: () => (told += 1), reset: () => undefined });
    outbox.stored(kept);
    expect(told).toBe(1);
    const taken = await outbox.take(MANY, 'b');
    expect(texts(taken)).toEqual(['b:1', 'b:2']);
    expect(taken.map(({ seq }) => seq)).not.toContain(lost.queued[0]?.seq);
    outbox.settle(taken.map(({ seq }) => seq));
    await clock.advance(100);
    expect([...disk.messages.values()].map(({ lane }) => lane)).toEqual(['a']);
    expect(outbox.lanes).toContainEqual({ lane: 'b', count: 0, bytes: 0 });
  });

  it('looks again at what is there when the store was opened while somebody else was writing', async () => {
    const kept = outbox.prepare([{ lane: 'b', body: body('1') }]);
    store.fault = 'clean';
    await expect(put('a')).rejects.toMatchObject({ code: 'unavailable' });
    store.fault = undefined;
    for (const message of kept.queued) disk.messages.set(message.seq, message);
    await clock.advance(60_000);
    outbox.stored(kept);
    await clock.advance(60_000);
    expect(outbox.lanes).toContainEqual({ lane: 'b', count: 1, bytes: SIZE });
    expect(texts(await outbox.take(MANY, 'b'))).toEqual(['b:1']);
  });

  it('looks again when messages were written while it looked', async () => {
    const kept = outbox.prepare([{ lane: 'b', body: body('1') }]);
    store.fault = 'clean';
    await expect(put('a')).rejects.toMatchObject({ code: 'unavailable' });
    store.fault = undefined;
    let looked = 0;
    store.open = async () => {
      const bounds = await TestStore.prototype.open.call(store);
      looked += 1;
      if (looked > 1) return bounds;
      for (const message of kept.queued) disk.messages.set(message.seq, message);
      outbox.stored(kept);
      return bounds;
    };
    await clock.advance(60_000);
    expect(outbox.lanes).toContainEqual({ lane: 'b', count: 1, bytes: SIZE });
    expect(outbox.failure).toBeUndefined();
    expect(texts(await outbox.take(MANY, 'b'))).toEqual(['b:1']);
  });

  it('finds what was written although nobody could say so', async () => {
    const kept = outbox.prepare([{ lane: 'b', body: body('1') }]);
    for (const message of kept.queued) disk.messages.set(message.seq, message);
    outbox.unsure(kept);
    expect(() => outbox.prepare([{ lane: 'b', body: body() }])).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    );
    await clock.advance(60_000);
    expect(texts(await outbox.take(MANY, 'b'))).toEqual(['b:1']);
  });

  it('takes what was promised into a lane that is full and refuses, and nothing when all lanes are', async () => {
    rules.b = { maxBytes: SIZE, whenFull: 'refuse' };
    await outbox.stop();
    await open({ maxBytes: 2 * SIZE, whenFull: 'drop-oldest' });
    for (const text of ['1', '2']) outbox.stored(outbox.prepare([{ lane: 'b', body: body(text) }]));
    await expect(put('b')).rejects.toMatchObject({ code: 'full' });
    expect(() => outbox.prepare([{ lane: 'b', body: body('3') }])).toThrow(expect.objectContaining({ code: 'full' }));
    expect(outbox.lanes).toContainEqual({ lane: 'b', count: 2, bytes: 2 * SIZE });
  });

  it('knows the dead letters of some lanes, and sends one again through another lane', async () => {
    for (const lane of ['a', 'b', 'b']) await put(lane);
    for (const { seq } of await outbox.take(MANY)) outbox.bury(seq, { code: 'no', detail: 'no' });
    await clock.advance(100);
    const ofB = (): number[] => outbox.deadIn((lane) => lane === 'b').map(({ seq }) => seq);
    const [first = 0, second = 0] = ofB();
    expect((await outbox.dead(0, 9)).map(({ seq }) => seq).slice(1)).toEqual([first, second]);
    await outbox.revive(first, 'own');
    expect(texts(await outbox.take(MANY))).toEqual(['own:x']);
    expect(ofB()).toEqual([second]);
  });

  it('never uses a sequence again, not even when nothing is left of it', async () => {
    await put('a');
    const [one] = await outbox.take(MANY);
    outbox.settle([one?.seq ?? 0]);
    await outbox.stop();
    expect(disk.messages.size).toBe(0);
    await open();
    await put('a');
    expect((await outbox.take(MANY))[0]?.seq).toBe((one?.seq ?? 0) + 1);
  });

  it('lets higher priorities go first, and lanes of one priority share', async () => {
    rules.alarm = { priority: 1 };
    await Promise.all([...Array.from({ length: 20 }, () => put('busy')), put('calm'), put('alarm', '!')]);
    expect(texts(await outbox.take({ messages: 5, bytes: 10_000 }))).toEqual([
      'alarm:!',
      'busy:x',
      'busy:x',
      'calm:x',
      'busy:x',
    ]);
  });

  it('drops the oldest of a lane over its budget, and counts them with their time', async () => {
    rules.a = { maxBytes: 3 * SIZE };
    const start = clock.now();
    for (const text of ['1', '2', '3', '4', '5']) {
      await put('a', text);
      await clock.advance(1_000);
    }
    expect(texts(await outbox.take(MANY))).toEqual(['a:3', 'a:4', 'a:5']);
    expect(outbox.drops).toEqual([
      { lane: 'a', reason: 'budget', count: 2, bytes: 2 * SIZE, first: start, last: start + 1_000 },
    ]);
    await outbox.stop();
    await open();
    expect(counts()).toEqual(['a budget 2']);
  });

  it('does not drop what is on its way', async () => {
    rules.a = { maxBytes: 2 * SIZE };
    await put('a', '1');
    const [one] = await outbox.take({ messages: 1, bytes: 1_000 });
    await put('a', '2');
    await put('a', '3');
    outbox.settle([one?.seq ?? 0]);
    expect(texts(await outbox.take(MANY))).toEqual(['a:3']);
    expect(counts()).toEqual(['a budget 1']);
  });

  it('refuses for a lane that may not drop, counted, and takes again when there is room', async () => {
    rules.a = { maxBytes: 2 * SIZE, whenFull: 'refuse' };
    await Promise.all([put('a', '1'), put('a', '2')]);
    await expect(put('a', '3')).rejects.toMatchObject({ name: 'OutboxRefusal', code: 'full' });
    await expect(outbox.append({ lane: 'a', body: Buffer.alloc(10_000) })).rejects.toMatchObject({ code: 'too_large' });
    const taken = await outbox.take({ messages: 1, bytes: 1_000 });
    outbox.settle(taken.map(({ seq }) => seq));
    await put('a', '4');
    expect(texts(await outbox.take(MANY))).toEqual(['a:2', 'a:4']);
    expect(counts()).toEqual(['a refused 2']);
  });

  it('makes room in all for the lanes that matter more, and never takes from one that may not drop', async () => {
    await outbox.stop();
    await open({ maxBytes: 4 * SIZE, whenFull: 'drop-lowest-priority' });
    rules = { low: { priority: 0 }, high: { priority: 5 }, safe: { priority: 0, whenFull: 'refuse' } };
    for (const lane of ['safe', 'low', 'high', 'low']) await put(lane);
    await put('high');
    await put('high');
    expect(counts()).toEqual(['low budget 2']);
    await expect(put('low')).rejects.toMatchObject({ code: 'full' });
    await put('high');
    expect(counts()).toEqual(['low budget 2', 'low refused 1', 'high budget 1']);
    expect(outbox.lanes.map(({ lane, count }) => `${lane} ${count}`)).toEqual(['safe 1', 'low 0', 'high 3']);
  });

  it('drops what is past its time, by a timeline that clock changes do not move', async () => {
    rules.a = { maxAgeMs: 60_000 };
    await put('a', 'old');
    await outbox.append({ lane: 'b', body: body('brief'), ttlMs: 5_000 });
    await put('b', 'lasting');
    clock.jumpWall(clock.now() + 1e12);
    await clock.advance(4_000);
    expect((await outbox.take({ messages: 2, bytes: 1_000 })).map(({ ttlMs }) => ttlMs)).toEqual([undefined, 1_000]);
    await outbox.rewind();
    await clock.advance(2_000);
    expect(texts(await outbox.take(MANY))).toEqual(['a:old', 'b:lasting']);
    await outbox.rewind();
    await clock.advance(80_000);
    expect(texts(await outbox.take(MANY))).toEqual(['b:lasting']);
    expect(counts()).toEqual(['b expired 1', 'a age 1']);
  });

  it('keeps what will never be taken as a dead letter, which can be sent again or thrown away', async () => {
    for (const text of ['1', '2']) await put('a', text);
    for (const { seq } of await outbox.take(MANY)) outbox.bury(seq, { code: 'not_found', detail: 'No such route.' });
    await outbox.stop();
    await open();
    const letters = await outbox.dead(0, 10);
    expect(letters.map(({ seq, code, detail }) => [seq, code, detail])).toEqual([
      [1, 'not_found', 'No such route.'],
      [2, 'not_found', 'No such route.'],
    ]);
    expect([...outbox.deadLanes]).toEqual([['a', 2]]);
    await outbox.revive(1);
    outbox.discard([2]);
    await clock.advance(100);
    expect(outbox.deadCount).toBe(0);
    expect(disk.letters.size).toBe(0);
    expect(texts(await outbox.take(MANY))).toEqual(['a:1']);
    expect(counts()).toEqual(['a discarded 1']);
  });

  it('tells nobody that it is stored when the disk refuses, and works again by itself', async () => {
    await put('a', '1');
    const taken = await outbox.take(MANY);
    store.fault = 'clean';
    await expect(put('a', '2')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(put('a', '3')).rejects.toMatchObject({ code: 'unavailable' });
    expect(outbox.failure?.message).toBe('no space left on device');
    store.fault = undefined;
    let ready = 0;
    outbox.listen({ ready: () => (ready += 1), reset: () => undefined });
    await clock.advance(30_000);
    expect(ready).toBe(1);
    await put('a', '4');
    expect(texts(await outbox.take(MANY))).toEqual(['a:1', 'a:4']);
    outbox.settle(taken.map(({ seq }) => seq));
    await settled();
    expect(outbox.drops).toMatchObject([{ reason: 'refused', count: 1 }]);
  });
});
