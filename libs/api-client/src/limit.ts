import { EdgeError } from '@selvage/protocol';

/** Ends a call when its time is over or when the caller says so. */
export class Limit {
  readonly #controller = new AbortController();
  readonly #given: AbortSignal | undefined;
  readonly #cancel = (): void => {
    this.#controller.abort();
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ms: number;
  #isLate = false;

  constructor(ms: number, given: AbortSignal | undefined) {
    this.#ms = ms;
    this.#given = given;
    if (given?.aborted === true) this.#cancel();
    given?.addEventListener('abort', this.#cancel);
    this.restart(ms);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  restart(ms: number): void {
    clearTimeout(this.#timer);
    this.#ms = ms;
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#cancel();
    }, ms);
  }

  /** Until the next `restart` there is no deadline. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Why the call was ended, if it was ended here. */
  reason(url: string): EdgeError | undefined {
    if (this.#isLate) return new EdgeError('hub_unreachable', `${url}: no answer within ${this.#ms / 1000} s.`);
    return this.#given?.aborted === true ? new EdgeError('call_cancelled', '') : undefined;
  }

  /** The outcome of something, unless the call is ended before. */
  race<T>(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        reject(new EdgeError('call_cancelled', ''));
      };
      this.signal.addEventListener('abort', stop, { once: true });
      if (this.signal.aborted) stop();
      const free = (): void => {
        this.signal.removeEventListener('abort', stop);
      };
      outcome.then(resolve, reject).finally(free);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#given?.removeEventListener('abort', this.#cancel);
  }
}
