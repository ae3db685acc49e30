import { FakeClock } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { Timeline, timeOff } from './timeline.js';
import { nextWindow } from './window.js';

describe('the timeline', () => {
  const day = 24 * 3_600_000;
  it.each([
    ['a day off', 1_000, 1_000 + day, day],
    ['a clock that went back', 2_000, 1_000, 0],
    ['a clock that leapt', 1_000, 1_000 + 400 * day, 0],
    ['nothing known', 0, 5_000, 0],
  ])('believes the wall clock of %s as it should', (_what, before, after, off) => {
    expect(timeOff(before, after)).toBe(off);
  });

  it('goes on where it was, and does not follow a clock that is set', async () => {
    const clock = new FakeClock();
    const timeline = new Timeline(clock);
    timeline.resume({ born: 500, wall: clock.now() - 1_000 });
    expect(timeline.now()).toBe(1_500);
    clock.jumpWall(0);
    await clock.advance(250);
    expect(timeline.now()).toBe(1_750);
  });
});

describe('the window', () => {
  const bounds = { start: 16, least: 4, most: 64 };
  it.each([
    ['grows by what landed quickly', 16, 10, 10, 24],
    ['ends at its most', 60, 10, 10, 64],
    ['grows on a link that is long and not slow', 16, 640, 600, 24],
    ['stays when it begins to be slower', 16, 90, 10, 16],
    ['shrinks when a queue builds up', 16, 200, 10, 12],
    ['shrinks on a link that was never quick', 16, 9_000, 9_000, 12],
    ['ends at its least', 4, 9_000, 10, 4],
  ])('%s', (_what, window, tookMs, bestMs, next) => {
    expect(nextWindow(window, { bytes: 8, tookMs, bestMs }, bounds)).toBe(next);
  });
});
