import { FakeClock } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { pause } from './index.js';

describe('a pause', () => {
  const paused = (clock: FakeClock, signal: AbortSignal): (() => boolean) => {
    let isOver = false;
    void pause(1_000, clock, signal).then(() => (isOver = true));
    return () => isOver;
  };

  it('is over when its time is', async () => {
    const clock = new FakeClock();
    const isOver = paused(clock, new AbortController().signal);
    await clock.advance(999);
    expect(isOver()).toBe(false);
    await clock.advance(1);
    expect(isOver()).toBe(true);
  });

  it.each(['before', 'meanwhile'])(
    'is over at once when the signal is aborted %s, and leaves no timer',
    async (when) => {
      const clock = new FakeClock();
      const stopping = new AbortController();
      if (when === 'before') stopping.abort();
      const isOver = paused(clock, stopping.signal);
      stopping.abort();
      expect(clock.pending).toBe(0);
      await clock.advance(0);
      expect(isOver()).toBe(true);
    },
  );
});
