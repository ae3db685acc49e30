import { type Section, type SectionHashes } from '@selvage/protocol';
import { toSection } from '@selvage/wire';

/** What this node reports, newest values only. In memory: all of it can be seen again after a restart. */
export class ReportedStore {
  readonly #sections = new Map<string, Section>();
  readonly #listeners: ((name: string) => void)[] = [];

  /** Tells the listeners when the value is another than before. */
  set(name: string, value: unknown): void {
    const section = toSection(name, value);
    if (this.#sections.get(name)?.hash === section.hash) return;
    this.#sections.set(name, section);
    for (const listener of this.#listeners) listener(name);
  }

  get(name: string): Section | undefined {
    return this.#sections.get(name);
  }

  hashes(): SectionHashes {
    return Object.fromEntries([...this.#sections].map(([name, { hash }]) => [name, hash]));
  }

  onChange(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }
}
