import { describe, expect, it } from 'vitest';
import { delay } from './backoff.js';

const backoff = { baseMs: 100, capMs: 1000 };

describe('a back-off', () => {
  it.each([
    [1, 100],
    [2, 200],
    [4, 800],
    [5, 1000],
    [500, 1000],
  ])('after %i failures waits at most %i ms', (attempts, highest) => {
    expect(delay(attempts, backoff, () => 1)).toBe(highest);
    expect(delay(attempts, backoff, () => 0)).toBe(0);
    expect(delay(attempts, backoff, () => 0.5)).toBe(highest / 2);
  });

  it('never waits less than its floor', () => {
    expect(delay(3, { ...backoff, floorMs: 50 }, () => 0)).toBe(50);
  });
});
