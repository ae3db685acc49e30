import type { Clock } from './clock.js';

/** Waits, until the signal is aborted at most; then nothing of it is left. */
export function pause(ms: number, clock: Pick<Clock, 'timer'>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.timer(ms, end);
    signal.addEventListener('abort', end);
  });
}
