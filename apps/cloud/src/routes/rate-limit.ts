import { type Clock, pause } from '@selvage/reconcile';

/** A bucket of one second's worth that fills at an even pace. */
export class RateLimit {
  private tokens: number;
  private at: number;

  constructor(
    private readonly perSecond: number,
    private readonly clock: Pick<Clock, 'monotonic' | 'timer'>,
  ) {
    this.tokens = Math.max(1, perSecond);
    this.at = clock.monotonic();
  }

  /** Resolves when so many may go. More than the bucket holds go when the debt is worked off. Rejects when the signal is aborted. */
  async take(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = this.clock.monotonic();
    const filled = this.tokens + ((now - this.at) / 1000) * this.perSecond;
    this.tokens = Math.min(Math.max(1, this.perSecond), filled) - count;
    this.at = now;
    if (this.tokens >= 0) return;
    await pause((-this.tokens / this.perSecond) * 1000, this.clock, signal);
    signal.throwIfAborted();
  }
}
