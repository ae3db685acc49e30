import type { Counters } from './counters.js';

/** Share of the newest second in the running mean: that of about ten seconds. */
const NEW = 0.2;

/** Messages per second that come and go, as a running mean. */
export class Rates {
  #at: number | undefined;
  #seen = { received: 0, sent: 0 };
  #perSecond = { received: 0, sent: 0 };

  constructor(private readonly counters: Counters) {}

  /** Called every second or so, with a monotonic time. */
  look(now: number): void {
    const { received = 0, sent = 0 } = this.counters.all;
    const seconds = this.#at === undefined ? 0 : (now - this.#at) / 1000;
    if (seconds > 0)
      this.#perSecond = {
        received: mean(this.#perSecond.received, (received - this.#seen.received) / seconds),
        sent: mean(this.#perSecond.sent, (sent - this.#seen.sent) / seconds),
      };
    this.#at = now;
    this.#seen = { received, sent };
  }

  get perSecond(): { readonly received: number; readonly sent: number } {
    return { received: Math.round(this.#perSecond.received), sent: Math.round(this.#perSecond.sent) };
  }
}

function mean(before: number, newest: number): number {
  return before + (newest - before) * NEW;
}
