import { z } from 'zod';

/** What is asked of the store of small values. */
export interface MetaStore {
  get(key: string): string | undefined;
  set(key: string, value: string): void | Promise<void>;
}

const KEY = 'apps.purged';
const uids = z.array(z.string());

/**
 * The deleted apps whose volumes were removed, kept over restarts: a purge is done once, so that it never meets the volumes of a later
 * app of the same name.
 */
export class Purged {
  readonly #meta: MetaStore;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  has(uid: string): boolean {
    return this.#all().includes(uid);
  }

  async add(uid: string): Promise<void> {
    if (!this.has(uid)) await this.#save([...this.#all(), uid]);
  }

  /** Forgets those that the hub no longer asks for. */
  async keep(asked: readonly string[]): Promise<void> {
    const all = this.#all();
    const kept = all.filter((uid) => asked.includes(uid));
    if (kept.length < all.length) await this.#save(kept);
  }

  /** What is no list of ids is as good as none: then a purge is done once more. */
  #all(): string[] {
    try {
      return uids.parse(JSON.parse(this.#meta.get(KEY) ?? '[]'));
    } catch {
      return [];
    }
  }

  async #save(all: readonly string[]): Promise<void> {
    await this.#meta.set(KEY, JSON.stringify(all));
  }
}
