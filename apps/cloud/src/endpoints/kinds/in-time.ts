import { EdgeError } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';

export interface Patience {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
  /** Whom we wait for. */
  readonly who: string;
}

/**
 * Waits for an answer until its time is over, or nobody wants it any more; what comes of the work then is forgotten.
 * @throws EdgeError `deadline_exceeded`, and whatever the signal was aborted with.
 */
export async function inTime<T>(work: Promise<T>, { clock, ms, signal, who }: Patience): Promise<T> {
  let cancel: Cancel = () => undefined;
  let stop = (): void => undefined;
  const over = new Promise<never>((_resolve, reject) => {
    cancel = clock.timer(ms, () => {
      reject(new EdgeError('deadline_exceeded', `${who} did not answer in ${ms / 1000} s.`));
    });
    stop = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}
