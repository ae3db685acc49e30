import { aborted } from './aborted.js';
import type { Clock } from './clock.js';

/** Thrown when something did not end in time; whoever was asked has its signal aborted with the same error. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** What a deadline needs to know. `also` aborts early with its own reason. */
export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  readonly what: string;
  readonly also?: AbortSignal;
}

/**
 * Runs something that must end within `ms`. Rejects then, even if it ignores its signal; what it does later is of no consequence.
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  run: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  const { clock, ms, what, also } = options;
  const controller = new AbortController();
  const end = (): void => {
    controller.abort(also?.reason);
  };
  const cancel = clock.timer(ms, () => {
    controller.abort(new DeadlineError(`${what} did not end within ${ms} ms`));
  });
  if (also?.aborted === true) end();
  also?.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([aborted(controller.signal), start(run, controller.signal)]);
  } finally {
    cancel();
    also?.removeEventListener('abort', end);
  }
}

/** What has to end in time, and the controller that is told when it did not. */
export interface InTime {
  readonly clock: Clock;
  readonly ms: number;
  readonly what: string;
  readonly controller: AbortController;
}

/** Waits for what is under way, `ms` at most; then aborts the controller and rejects with the same error. */
export function inTime<T>({ clock, ms, what, controller }: InTime, running: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.timer(ms, () => {
      const late = new DeadlineError(`${what} did not end within ${ms} ms`);
      controller.abort(late);
      reject(late);
    });
    running.then(resolve, reject).finally(cancel);
  });
}

async function start<T>(run: (signal: AbortSignal) => Promise<T> | T, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return await run(signal);
}
