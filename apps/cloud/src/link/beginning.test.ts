import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hearBeginning } from './beginning.js';

describe('a connection', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it.each([
    ['says nothing', []],
    ['goes on saying too little', [22, 3, 1, 0]],
  ])('that %s is heard for three seconds', (_what, bytes) => {
    const socket = new Socket();
    const heard: string[] = [];
    hearBeginning(socket, ({ kind }) => heard.push(kind));
    for (const byte of bytes) {
      socket.emit('data', Buffer.of(byte));
      vi.advanceTimersByTime(700);
    }
    vi.advanceTimersByTime(2_999 - 700 * bytes.length);
    expect(heard).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(heard).toEqual(['refused']);
  });
});
