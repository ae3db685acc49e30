/** Ends what was begun; harmless the second time. */
export type Stop = () => void;

/** Listeners by the name of an event. What a listener throws is thrown on its own and reaches nobody else. */
export class Events<T extends { [K in keyof T]: unknown[] }> {
  readonly #listeners: { [K in keyof T]?: Set<(...args: T[K]) => void> } = {};

  /** Calls `listener` at each event until it is stopped. */
  on<K extends keyof T>(event: K, listener: (...args: T[K]) => void): Stop {
    const listeners = this.#of(event);
    const own = (...args: T[K]): void => {
      listener(...args);
    };
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }

  emit<K extends keyof T>(event: K, ...args: T[K]): void {
    for (const listener of [...this.#of(event)]) {
      try {
        listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #of<K extends keyof T>(event: K): Set<(...args: T[K]) => void> {
    return (this.#listeners[event] ??= new Set());
  }
}
