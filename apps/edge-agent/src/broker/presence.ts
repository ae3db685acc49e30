import type { Principal } from './acl.js';

type Listener = (device: string, isConnected: boolean) => void;

/** Which devices have a client here: told when the first one of a device comes, and when the last one goes. */
export class Presence {
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Set<Listener>();

  /** Gives a function that ends it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  came(who: Principal | undefined): void {
    this.#count(who, 1);
  }

  went(who: Principal | undefined): void {
    this.#count(who, -1);
  }

  #count(who: Principal | undefined, by: 1 | -1): void {
    if (who?.kind !== 'device') return;
    const before = this.#counts.get(who.id) ?? 0;
    const after = before + by;
    if (after <= 0) this.#counts.delete(who.id);
    else this.#counts.set(who.id, after);
    if (before <= 0 || after <= 0) for (const listener of this.#listeners) listener(who.id, after > 0);
  }
}
