import type { Cancel, Clock } from '@selvage/reconcile';

interface Timer {
  readonly run: () => void;
  leftMs: number;
  since: number;
  cancel: Cancel | undefined;
}

/** Timers that run only while the device is connected: a deadline for answers does not pass while nobody could answer. */
export class ConnectedTime {
  readonly #timers = new Set<Timer>();
  #isRunning = false;

  constructor(private readonly clock: Clock) {}

  /** Runs once after `ms` milliseconds of connected time. */
  timer(ms: number, run: () => void): Cancel {
    const timer: Timer = { run, leftMs: ms, since: 0, cancel: undefined };
    this.#timers.add(timer);
    if (this.#isRunning) this.#start(timer);
    return () => {
      timer.cancel?.();
      this.#timers.delete(timer);
    };
  }

  /** The device is connected. */
  resume(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (const timer of this.#timers) this.#start(timer);
  }

  /** The device is not connected any more. */
  pause(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    for (const timer of this.#timers) {
      timer.cancel?.();
      timer.leftMs -= this.clock.monotonic() - timer.since;
    }
  }

  #start(timer: Timer): void {
    timer.since = this.clock.monotonic();
    timer.cancel = this.clock.timer(timer.leftMs, () => {
      this.#timers.delete(timer);
      timer.run();
    });
  }
}
