import { contentHash, sectionValue } from '@selvage/wire';
import type { z } from 'zod';

/** A section as it lies on the disk. `good` is the body before this one, for when this one cannot be read. */
export interface StoredSection {
  readonly name: string;
  readonly hash: string;
  readonly body: Uint8Array;
  readonly good: Uint8Array | null;
}

/** How reading a section went. */
export type Reading<T> = { readonly value: T; readonly of: 'newest' | 'one before' } | { readonly of: 'none' };

const NOTHING = new Uint8Array();

/** A section in memory, parsed once. */
export class HeldSection {
  #good: Uint8Array | null;
  #bad = false;
  #read: { readonly schema: z.ZodType; readonly value: unknown; readonly of: 'newest' | 'one before' } | undefined;

  constructor(readonly stored: StoredSection) {
    this.#good = stored.good;
  }

  /** A section of which only the name is known. Its hash is that of no section, so that the hub sends it, or says that it is gone. */
  static damaged(name: string): HeldSection {
    return new HeldSection({ name, hash: contentHash(NOTHING), body: NOTHING, good: null });
  }

  get isDamaged(): boolean {
    return this.stored.body.byteLength === 0;
  }

  read<T>(schema: z.ZodType<T>): Reading<T> {
    // The same schema gave the value, so it is a T.
    if (this.#read?.schema === schema) return { value: this.#read.value as T, of: this.#read.of };
    const newest = parsed(this.stored.body, schema);
    this.#bad = newest === undefined;
    if (newest) this.#good = null;
    const found = newest ?? (this.#good === null ? undefined : parsed(this.#good, schema));
    if (found === undefined) return { of: 'none' };
    this.#read = { schema, value: found.value, of: newest ? 'newest' : 'one before' };
    return { value: found.value, of: this.#read.of };
  }

  /** The body to go back to when the one that comes after this cannot be read. */
  get fallback(): Uint8Array | null {
    if (this.isDamaged) return null;
    return this.#bad ? this.#good : this.stored.body;
  }
}

function parsed<T>(body: Uint8Array, schema: z.ZodType<T>): { readonly value: T } | undefined {
  let json: unknown;
  try {
    json = sectionValue(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { success, data } = schema.safeParse(json);
  return success ? { value: data } : undefined;
}
