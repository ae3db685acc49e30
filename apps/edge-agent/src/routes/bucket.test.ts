import { FakeClock, settled } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { Bucket } from './bucket.js';

describe('a rate', () => {
  const never = new AbortController().signal;

  it.each([
    [0.5, 10_000, 6],
    [10, 10_000, 101],
    [1_000, 10_000, 10_100],
  ])('of %d per second lets so many through, in small bursts', async (perSecond, ms, most) => {
    const clock = new FakeClock();
    const bucket = new Bucket(perSecond, clock);
    let gone = 0;
    const run = async (): Promise<void> => {
      for (;;) {
        const many = await bucket.take(100, never);
        gone += many;
      }
    };
    void run();
    void run();
    await settled();
    expect(gone).toBeLessThanOrEqual(Math.max(1, perSecond / 10));
    await clock.advance(ms);
    expect(gone).toBeLessThanOrEqual(most);
    expect(gone).toBeGreaterThan(most * 0.8);
  });

  it('is not waited for any more when the signal is aborted, and holds up nobody else then', async () => {
    const clock = new FakeClock();
    const bucket = new Bucket(1, clock);
    await bucket.take(1, never);
    const controller = new AbortController();
    const waiting = bucket.take(1, controller.signal);
    const next = bucket.take(1, never);
    await settled();
    expect(clock.pending).toBe(2);
    controller.abort();
    expect(clock.pending).toBe(1);
    await expect(waiting).rejects.toThrow('aborted');
    await clock.advance(1_000);
    expect(await next).toBe(1);
  });

  it('gives no more than a small burst after a rest', async () => {
    const clock = new FakeClock();
    const bucket = new Bucket(100, clock);
    await clock.advance(60_000);
    expect(await bucket.take(1_000, never)).toBe(10);
  });
});
