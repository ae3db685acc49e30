import { type Clock, pause } from '@selvage/reconcile';

/** Says how many messages may go now. */
export interface Rate {
  /** Waits until at least one of `wanted` may go; how many may. Rejects when the signal is aborted. */
  take(wanted: number, signal: AbortSignal): Promise<number>;
}

export const UNLIMITED: Rate = { take: (wanted) => Promise.resolve(wanted) };

/** Seconds whose messages may go at once after a rest. */
const BURST = 0.1;

/** A token bucket: so many messages per second, in small bursts. */
export class Bucket implements Rate {
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor(
    private readonly perSecond: number,
    private readonly clock: Pick<Clock, 'monotonic' | 'timer'>,
  ) {
    this.#burst = Math.max(1, perSecond * BURST);
    this.#tokens = this.#burst;
    this.#filledAt = clock.monotonic();
  }

  async take(wanted: number, signal: AbortSignal): Promise<number> {
    this.#fill();
    while (this.#tokens < 1) {
      await pause(Math.ceil(((1 - this.#tokens) / this.perSecond) * 1000), this.clock, signal);
      signal.throwIfAborted();
      this.#fill();
    }
    signal.throwIfAborted();
    const many = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= many;
    return many;
  }

  #fill(): void {
    const now = this.clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.perSecond);
    this.#filledAt = now;
  }
}
