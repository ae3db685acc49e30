import { linked, type Linked } from '@selvage/reconcile';

/** Gives up work that makes no progress: `signal` is aborted with the caller's, or when `progress` was not called for `limitMs`. */
export class Stall {
  readonly #limitMs: number;
  readonly #linked: Linked;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(signal: AbortSignal, limitMs: number) {
    this.#limitMs = limitMs;
    this.#linked = linked([signal]);
  }

  get signal(): AbortSignal {
    return this.#linked.signal;
  }

  /** Whether it was the lack of progress that ended the work. */
  get over(): boolean {
    return this.#over;
  }

  /** Starts the wait for the next progress; the first call starts the watch. */
  progress(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#linked.end();
    }, this.#limitMs);
  }

  /** To be called when the work has ended, however it did. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#linked.end();
  }
}
