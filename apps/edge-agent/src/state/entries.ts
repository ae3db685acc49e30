import type { Logger } from 'pino';
import { z } from 'zod';
import type { Database } from './database.js';

const entry = z.object({ key: z.string(), value: z.string() });

export interface EntriesOptions {
  readonly database: () => Database;
  readonly kind: string;
  /** Whether a value is what is written here. */
  readonly isSound: (value: string) => boolean;
  readonly log: Pick<Logger, 'warn'>;
}

/** Small texts by key, all in memory and written through. What is being written is seen once it is on the disk. */
export class Entries {
  readonly #held = new Map<string, string>();

  constructor(private readonly options: EntriesOptions) {}

  async load(): Promise<void> {
    const { kind, isSound, log } = this.options;
    this.#held.clear();
    for (const row of await this.options.database().rows('SELECT key, value FROM entries WHERE kind = ?', kind)) {
      const { success, data } = entry.safeParse(row);
      if (success && isSound(data.value)) this.#held.set(data.key, data.value);
      else log.warn({ kind, key: row.key }, 'passed over a stored value that is damaged');
    }
  }

  get(key: string): string | undefined {
    return this.#held.get(key);
  }

  all(): ReadonlyMap<string, string> {
    return this.#held;
  }

  async set(key: string, value: string): Promise<void> {
    if (this.#held.get(key) === value) return;
    const database = this.options.database();
    await database.write(
      () => database.run('INSERT OR REPLACE INTO entries VALUES (?, ?, ?)', this.options.kind, key, value),
      () => this.#held.set(key, value),
    );
  }

  async delete(key: string): Promise<void> {
    const database = this.options.database();
    await database.write(
      () => database.run('DELETE FROM entries WHERE kind = ? AND key = ?', this.options.kind, key),
      () => this.#held.delete(key),
    );
  }

  async clear(): Promise<void> {
    const database = this.options.database();
    await database.write(
      () => database.run('DELETE FROM entries WHERE kind = ?', this.options.kind),
      () => {
        this.#held.clear();
      },
    );
  }
}
