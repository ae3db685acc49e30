import { EdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';

/** What a promise gives. @throws EdgeError `deadline_exceeded` when it takes longer; what it does goes on then. */
export async function within<T>(promise: Promise<T>, clock: Pick<Clock, 'timer'>, ms: number): Promise<T> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.timer(ms, () => {
      reject(new EdgeError('deadline_exceeded', `It took longer than ${ms / 1000} s.`));
    });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
