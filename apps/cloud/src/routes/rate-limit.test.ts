import { FakeClock, settled } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

describe('a rate limit', () => {
  let clock: FakeClock;
  let gone: string[];
  const { signal } = new AbortController();
  const take = (limit: RateLimit, name: string, count = 1): void => {
    void limit.take(count, signal).then(() => gone.push(name));
  };
  beforeEach(() => {
    [clock, gone] = [new FakeClock(), []];
  });

  it("lets one second's worth go at once, and the rest at an even pace", async () => {
    const limit = new RateLimit(2, clock);
    for (const name of ['a', 'b', 'c', 'd']) take(limit, name);
    await settled();
    expect(gone).toEqual(['a', 'b']);
    await clock.advance(499);
    expect(gone).toEqual(['a', 'b']);
    await clock.advance(1);
    expect(gone).toEqual(['a', 'b', 'c']);
    await clock.advance(500);
    expect(gone).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets more than a second holds go when the debt is worked off, and saves up no more than that', async () => {
    const limit = new RateLimit(10, clock);
    take(limit, 'all', 40);
    await clock.advance(2_999);
    expect(gone).toEqual([]);
    await clock.advance(1);
    expect(gone).toEqual(['all']);
    await clock.advance(3_600_000);
    take(limit, 'ten', 10);
    take(limit, 'one');
    await settled();
    expect(gone).toEqual(['all', 'ten']);
  });

  it('gives one at a time when less than one goes in a second, and leaves no timer when it is stopped', async () => {
    const limit = new RateLimit(0.5, clock);
    const stopping = new AbortController();
    await limit.take(1, stopping.signal);
    const waiting = limit.take(1, stopping.signal);
    stopping.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(limit.take(1, stopping.signal)).rejects.toThrow('stopped');
    expect(clock.pending).toBe(0);
  });
});
