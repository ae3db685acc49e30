/** Gives up work that makes no progress: `signal` is aborted with the caller's, or when `progress` was not called for `limitMs`. */
export class Stall {
  readonly signal: AbortSignal;
  readonly #limitMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(signal: AbortSignal, limitMs: number) {
    this.#limitMs = limitMs;
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
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
      this.#controller.abort();
    }, this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
