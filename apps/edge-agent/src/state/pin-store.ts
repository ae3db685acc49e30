import { z } from 'zod';
import type { Entries } from './entries.js';

const pin = z.object({ image: z.string(), digest: z.string() });
/** What a tag was resolved to. */
export type StoredPin = z.infer<typeof pin>;

/** Whether a text is a pin as it is stored. */
export function isPin(text: string): boolean {
  try {
    return pin.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** The images that tags were resolved to, by place in an app, kept over restarts. */
export class PinStore {
  constructor(private readonly entries: Entries) {}

  get(key: string): StoredPin | undefined {
    const text = this.entries.get(key);
    return text === undefined ? undefined : pin.parse(JSON.parse(text));
  }

  set(key: string, { image, digest }: StoredPin): Promise<void> {
    return this.entries.set(key, JSON.stringify({ image, digest }));
  }

  delete(key: string): Promise<void> {
    return this.entries.delete(key);
  }

  all(): ReadonlyMap<string, StoredPin> {
    return new Map([...this.entries.all()].map(([key, text]) => [key, pin.parse(JSON.parse(text))]));
  }
}
