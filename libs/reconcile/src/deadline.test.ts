import { FakeClock } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { DeadlineError, withDeadline } from './deadline.js';

describe('a deadline', () => {
  it('gives what came in time and leaves no timer', async () => {
    const clock = new FakeClock();
    await expect(withDeadline({ clock, ms: 10, what: 'it' }, () => 7)).resolves.toBe(7);
    expect(clock.pending).toBe(0);
  });

  it('rejects when it passes, even if the signal is ignored', async () => {
    const clock = new FakeClock();
    let heard: unknown;
    const waiting = withDeadline({ clock, ms: 10, what: 'it' }, (signal) => {
      signal.addEventListener('abort', () => {
        heard = signal.reason as unknown;
      });
      return new Promise<never>(() => undefined);
    });
    const failed = expect(waiting).rejects.toThrow('it did not end within 10 ms');
    await clock.advance(10);
    await failed;
    expect(heard).toBeInstanceOf(DeadlineError);
  });

  it('rejects at once when the other signal is aborted, before or later', async () => {
    const clock = new FakeClock();
    const also = AbortSignal.abort(new Error('enough'));
    await expect(withDeadline({ clock, ms: 10, what: 'it', also }, () => 7)).rejects.toThrow('enough');
    const later = new AbortController();
    const waiting = withDeadline(
      { clock, ms: 10, what: 'it', also: later.signal },
      () => new Promise<never>(() => undefined),
    );
    later.abort(new Error('enough now'));
    await expect(waiting).rejects.toThrow('enough now');
    expect(clock.pending).toBe(0);
  });
});
