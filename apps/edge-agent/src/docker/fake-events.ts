import type { EngineEvent } from './docker.js';

interface Listener {
  readonly queue: EngineEvent[];
  readonly wants: (event: EngineEvent) => boolean;
  ended: boolean;
  wake: () => void;
}

/** The event streams of the engine in memory. */
export class FakeEvents {
  readonly #listeners = new Set<Listener>();

  emit(event: EngineEvent): void {
    for (const listener of this.#listeners) {
      if (listener.wants(event)) listener.queue.push(event);
      listener.wake();
    }
  }

  /** Has everybody who waits look again. */
  nudge(): void {
    for (const listener of this.#listeners) listener.wake();
  }

  /** Ends every stream, as the engine does when it stops. */
  end(): void {
    for (const listener of this.#listeners) {
      listener.ended = true;
      listener.wake();
    }
  }

  open(signal: AbortSignal, wants: Listener['wants']): AsyncIterable<EngineEvent> {
    const listener: Listener = { queue: [], wants, ended: false, wake: noop };
    this.#listeners.add(listener);
    return this.#read(listener, signal);
  }

  /** Ends with the next event of any kind, with a nudge, or with the signal. */
  async something(signal: AbortSignal): Promise<void> {
    const listener: Listener = { queue: [], wants: () => true, ended: false, wake: noop };
    this.#listeners.add(listener);
    await next(listener, signal);
    this.#listeners.delete(listener);
  }

  async *#read(listener: Listener, signal: AbortSignal): AsyncGenerator<EngineEvent> {
    try {
      while (!signal.aborted && !(listener.ended && listener.queue.length === 0)) {
        const event = listener.queue.shift();
        if (event) yield event;
        else await next(listener, signal);
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}

function next(listener: Listener, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    listener.wake = done;
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

function noop(): void {
  // nobody waits yet
}
