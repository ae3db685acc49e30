import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Valve } from './valve.js';

const MIB = 1024 * 1024;

describe('a link', () => {
  const turns: string[] = [];
  let valve: Valve;

  beforeEach(() => {
    vi.useFakeTimers();
    turns.length = 0;
    valve = new Valve({ pause: () => void turns.push('pause'), resume: () => void turns.push('resume') });
  });
  afterEach(() => vi.useRealTimers());

  it('is read on when it costs its share', () => {
    valve.cost(16 * MIB);
    for (let second = 0; second < 60; second += 1) {
      vi.advanceTimersByTime(1_000);
      valve.cost(4 * MIB);
    }
    expect(turns).toEqual([]);
  });

  it('that costs more is not read until it has waited for it', () => {
    valve.cost(16 * MIB);
    valve.cost(4 * MIB);
    valve.cost(4 * MIB);
    expect(turns).toEqual(['pause']);
    vi.advanceTimersByTime(1_990);
    expect(turns).toEqual(['pause']);
    vi.advanceTimersByTime(20);
    expect(turns).toEqual(['pause', 'resume']);
  });

  it('is not read while there is one reason left', () => {
    valve.pause();
    valve.cost(20 * MIB);
    valve.resume();
    expect(turns).toEqual(['pause']);
    valve.pause();
    vi.advanceTimersByTime(5_000);
    expect(turns).toEqual(['pause']);
    valve.resume();
    expect(turns).toEqual(['pause', 'resume']);
  });
});
