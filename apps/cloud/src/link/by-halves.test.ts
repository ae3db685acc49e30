import { EdgeError } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { byHalves } from './by-halves.js';

describe('a batch', () => {
  const written: number[] = [];
  const alone: number[] = [];
  const write = (broken: (batch: readonly number[]) => Error | undefined) => (batch: readonly number[]) => {
    const error = broken(batch);
    if (error !== undefined) return Promise.reject(error);
    written.push(...batch);
    return Promise.resolve();
  };
  const run = async (count: number, broken: (batch: readonly number[]) => Error | undefined): Promise<void> => {
    [written.length, alone.length] = [0, 0];
    const batch = Array.from({ length: count }, (_, at) => at);
    await byHalves(batch, { write: write(broken), alone: (item) => void alone.push(item) });
  };

  it('is written in order, but for those that cannot be', async () => {
    await run(9, (batch) => (batch.some((item) => item === 3 || item === 8) ? new Error('no') : undefined));
    expect(written).toEqual([0, 1, 2, 4, 5, 6, 7]);
    expect(alone).toEqual([3, 8]);
  });

  it('is not divided when the database is away', async () => {
    await expect(run(4, () => new EdgeError('database_unavailable', ''))).rejects.toThrow(EdgeError);
    expect([written, alone]).toEqual([[], []]);
  });

  it('may be empty', async () => {
    await run(0, () => undefined);
    expect(alone).toEqual([]);
  });
});
