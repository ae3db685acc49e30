import { FakeClock, settled } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LANE, DEFAULT_TOTAL } from './budget.js';
import type { Taken } from './message.js';
import { Outbox } from './outbox.js';
import { Stream } from './stream.js';
import { TestDisk, TestStore } from './test-store.js';

const SIZE = 148;

describe('a stream', () => {
  let clock: FakeClock;
  let outbox: Outbox;
  let stream: Stream;
  let sent: Taken[];
  const put = (lane: string, many: number): Promise<unknown> =>
    Promise.all(Array.from({ length: many }, () => outbox.append({ lane, body: Buffer.alloc(100) })));
  const open = async (): Promise<void> => {
    sent = [];
    const into = sent;
    stream.open((batch) => into.push(...batch));
    await settled();
    await settled();
  };
  const seqs = (): number[] => sent.map(({ seq }) => seq);

  beforeEach(async () => {
    clock = new FakeClock();
    const store = new TestStore(new TestDisk());
    const rules = (): typeof DEFAULT_LANE => DEFAULT_LANE;
    outbox = new Outbox({ store, clock, rules, total: DEFAULT_TOTAL, maxMessage: 10_000 });
    await outbox.start();
    const window = { start: 4 * SIZE, least: SIZE, most: 16 * SIZE };
    stream = new Stream({ outbox, clock, window, batch: { messages: 2, bytes: 10_000 } });
  });

  it('sends as many bytes as the window allows, and more when some are settled', async () => {
    await put('a', 20);
    await open();
    expect(seqs()).toEqual([1, 2, 3, 4]);
    stream.settled('a', 3);
    await settled();
    await settled();
    // One batch came back at once: the window grew by it, and one message of the other is still on its way.
    expect(stream.window).toBe(6 * SIZE);
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stream.flying).toBe(6 * SIZE);
  });

  it('shrinks its window on a slow link', async () => {
    await put('a', 4);
    await open();
    await clock.advance(6_000);
    stream.settled('a', 4);
    expect(stream.window).toBe(2 * SIZE);
  });

  it('sends what is new at once', async () => {
    await open();
    await put('a', 1);
    await settled();
    await settled();
    expect(seqs()).toEqual([1]);
  });

  it('sends again over the next link what was not settled over the last, in order', async () => {
    await put('a', 6);
    await open();
    stream.settled('a', 1);
    stream.close();
    stream.settled('a', 2);
    await open();
    expect(seqs()[0]).toBe(2);
    expect(seqs()).toEqual([...seqs()].sort((a, b) => a - b));
  });

  it('buries what the next hop rejects, and goes on', async () => {
    await put('a', 3);
    await open();
    stream.rejected(2, { code: 'not_found', detail: 'no' });
    stream.settled('a', 3);
    await clock.advance(100);
    expect(outbox.lanes).toEqual([{ lane: 'a', count: 0, bytes: 0 }]);
    expect((await outbox.dead(0, 10)).map(({ seq, code }) => [seq, code])).toEqual([[2, 'not_found']]);
  });

  it('gives a lane with little to say its turn beside a backlog', async () => {
    await put('backlog', 100);
    await open();
    await put('live', 1);
    stream.settled('backlog', 4);
    await settled();
    await settled();
    expect(sent.slice(4, 7).some(({ lane }) => lane === 'live')).toBe(true);
  });
});
