import type { Principal } from './acl.js';
import { names } from './filters.js';

/** A message that a client published. */
export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly from: Principal;
  /** When it came, epoch milliseconds. */
  readonly at: number;
}

/**
 * Takes messages of some topics. A message of QoS 1 or 2 is acknowledged when every taker's promise has resolved, which is when the
 * taker has it on the disk; a promise that rejects refuses the message, and its client sends it again.
 */
export type Taker = (message: Message) => Promise<void> | undefined;

interface Entry {
  readonly filter: string;
  readonly taker: Taker;
}

const MAX_CACHED = 10_000;

/** Where slices say which messages they take. */
export class Bus {
  #entries: readonly Entry[] = [];
  readonly #cache = new Map<string, readonly Taker[]>();

  /** Gives a function that ends it. */
  take(filter: string, taker: Taker): () => void {
    const entry = { filter, taker };
    this.#set([...this.#entries, entry]);
    return () => {
      this.#set(this.#entries.filter((one) => one !== entry));
    };
  }

  /** Those who take messages of a topic. */
  takersOf(topic: string): readonly Taker[] {
    const known = this.#cache.get(topic);
    if (known !== undefined) return known;
    const takers = this.#entries.filter(({ filter }) => names(filter, topic)).map(({ taker }) => taker);
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    this.#cache.set(topic, takers);
    return takers;
  }

  #set(entries: readonly Entry[]): void {
    this.#entries = entries;
    this.#cache.clear();
  }
}
