import { z } from 'zod';
import type { Database } from './database.js';

const rows = z.array(z.object({ key: z.string(), value: z.string() }));

/** Small texts by key, all in memory and written through. What is being written is seen once it is on the disk. */
export class Entries {
  readonly #held = new Map<string, string>();

  constructor(
    private readonly database: () => Database,
    private readonly kind: string,
  ) {}

  async load(): Promise<void> {
    this.#held.clear();
    const found = await this.database().rows('SELECT key, value FROM entries WHERE kind = ?', this.kind);
    for (const { key, value } of rows.parse(found)) this.#held.set(key, value);
  }

  get(key: string): string | undefined {
    return this.#held.get(key);
  }

  all(): ReadonlyMap<string, string> {
    return this.#held;
  }

  async set(key: string, value: string): Promise<void> {
    if (this.#held.get(key) === value) return;
    const database = this.database();
    await database.write(
      () => database.run('INSERT OR REPLACE INTO entries VALUES (?, ?, ?)', this.kind, key, value),
      () => this.#held.set(key, value),
    );
  }

  async delete(key: string): Promise<void> {
    const database = this.database();
    await database.write(
      () => database.run('DELETE FROM entries WHERE kind = ? AND key = ?', this.kind, key),
      () => this.#held.delete(key),
    );
  }

  async clear(): Promise<void> {
    const database = this.database();
    await database.write(
      () => database.run('DELETE FROM entries WHERE kind = ?', this.kind),
      () => {
        this.#held.clear();
      },
    );
  }
}
