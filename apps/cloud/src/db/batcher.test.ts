import { describe, expect, it } from 'vitest';
import { Batcher, type Outcome } from './batcher.js';

const limits = { size: 3, waiting: 5 };

function counting() {
  const batches: number[][] = [];
  const work = (items: readonly number[]): Promise<Outcome<number>[]> => {
    batches.push([...items]);
    return Promise.resolve(items.map((item) => (item < 0 ? { error: new Error(`bad ${item}`) } : { ok: item * 2 })));
  };
  return { batches, batcher: new Batcher(work, limits) };
}

describe('a batcher', () => {
  it('works on what arrives together in batches of limited size, and answers each caller its own', async () => {
    const { batches, batcher } = counting();
    const results = await Promise.all([1, 2, 3, 4].map((item) => batcher.run(item)));
    expect(results).toEqual([2, 4, 6, 8]);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it('gives an error to the caller it belongs to only', async () => {
    const { batcher } = counting();
    const results = await Promise.allSettled([1, -2, 3].map((item) => batcher.run(item)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('refuses what would make the queue longer than its bound', async () => {
    const { batcher } = counting();
    const results = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((item) => batcher.run(item)));
    expect(results[5]).toMatchObject({ reason: { code: 'overloaded' } });
    expect(results.slice(0, 5).every(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('fails every caller of a batch that throws, and goes on', async () => {
    let first = true;
    const batcher = new Batcher<number, number>((items) => {
      if (!first) return Promise.resolve(items.map((ok) => ({ ok })));
      first = false;
      return Promise.reject(new Error('database gone'));
    }, limits);
    await expect(Promise.all([batcher.run(1), batcher.run(2)])).rejects.toThrow('database gone');
    await expect(batcher.run(3)).resolves.toBe(3);
  });

  it('tells a caller whom its work forgot', async () => {
    const batcher = new Batcher<number, number>(() => Promise.resolve([]), limits);
    await expect(batcher.run(1)).rejects.toMatchObject({ code: 'internal' });
  });
});
