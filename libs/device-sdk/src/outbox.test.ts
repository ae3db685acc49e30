import type { EdgeError } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { Outbox, type OutMessage, type QueueLimits } from './outbox.js';

/** An outbox before a broker that acknowledges only when it is told to. */
function outbox(limits: Partial<QueueLimits> = {}) {
  const published: { message: OutMessage; done: () => void }[] = [];
  const dropped: string[] = [];
  const box = new Outbox(
    { maxMessages: 100, maxBytes: 10_000, whenFull: 'refuse', ...limits },
    {
      publish: ({ topic, payload }, done) => published.push({ message: { topic, payload }, done }),
      dropped: ({ topic }, { code }) => dropped.push(`${topic} ${code}`),
      settled: () => undefined,
    },
  );
  const results: string[] = [];
  const add = (topic: string, payload: string | Uint8Array = 'x'): void => {
    box.add({ topic, payload }).then(
      () => results.push(`${topic} sent`),
      (error: unknown) => results.push(`${topic} ${(error as EdgeError).code}`),
    );
  };
  return { box, published, dropped, results, add, topics: () => published.map(({ message }) => message.topic) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an outbox', () => {
  it('sends one message first, and more together once that is acknowledged, in order', async () => {
    const { box, published, add, topics, results } = outbox();
    for (let index = 0; index < 50; index += 1) add(String(index));
    expect(topics()).toEqual([]);
    box.connected();
    expect(topics()).toEqual(['0']);
    published[0]?.done();
    expect(topics()).toHaveLength(33);
    published[0]?.done();
    for (let index = 1; index < 50; index += 1) published[index]?.done();
    await settled();
    expect(topics()).toEqual(Array.from({ length: 50 }, (_none, index) => String(index)));
    expect([results.length, box.size]).toEqual([50, 0]);
  });

  it('sends again what was not acknowledged, before anything else', () => {
    const { box, published, add, topics } = outbox();
    add('a');
    add('b');
    box.connected();
    published[0]?.done();
    box.disconnected();
    add('c');
    box.connected();
    published[2]?.done();
    expect(topics()).toEqual(['a', 'b', 'b', 'c']);
  });

  it('gives up a message at which the connection ends eight times, and no other', async () => {
    const { box, add, dropped, results, published } = outbox();
    add('bad');
    add('good');
    for (let round = 0; round < 8; round += 1) {
      box.connected();
      box.disconnected();
    }
    box.connected();
    published.at(-1)?.done();
    await settled();
    expect(dropped).toEqual(['bad forbidden']);
    expect(results).toEqual(['bad forbidden', 'good sent']);
  });

  it('is bounded in bytes as UTF-8, its topic included', async () => {
    const { box, add, results } = outbox({ maxBytes: 10 });
    add('a', 'ééé');
    add('b', new Uint8Array(3));
    add('c', new Uint8Array(10));
    await settled();
    expect(results).toEqual(['b too_many_requests', 'c body_too_large']);
    expect(box.size).toBe(1);
  });

  it('drops the oldest that is not under way when it is told to', async () => {
    const { box, add, results, dropped } = outbox({ maxMessages: 2, whenFull: 'drop-oldest' });
    box.connected();
    add('under-way');
    add('b');
    add('c');
    await settled();
    expect(results).toEqual(['b too_many_requests']);
    expect(dropped).toEqual(['b too_many_requests']);
  });

  it('drops even what is under way when there is nothing else', async () => {
    const { box, add, results, published } = outbox({ maxMessages: 1, whenFull: 'drop-oldest' });
    box.connected();
    add('a');
    add('b');
    published[0]?.done();
    published[1]?.done();
    await settled();
    expect(results).toEqual(['a too_many_requests', 'b sent']);
  });
});
