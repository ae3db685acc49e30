import { EdgeError, frames, type Position, type Section, type SectionHashes } from '@selvage/protocol';
import { contentHash } from '@selvage/wire';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Database, Row } from './database.js';
import { HeldSection, type StoredSection } from './held-section.js';

const bytes = z.instanceof(Uint8Array);
const sectionRow = z.object({ name: z.string(), hash: z.string(), body: bytes, good: bytes.nullable() });

/**
 * What the hub wants of this node, as it came: in memory and on the disk. A section that cannot be read (a newer hub may say what this
 * agent does not know) does not take away what is there: the one before counts until a better one comes.
 */
export class DesiredStore {
  #position: Position | null = null;
  #last: Promise<unknown> = Promise.resolve();
  readonly #sections = new Map<string, HeldSection>();
  readonly #listeners: { readonly section: string; readonly tell: () => void }[] = [];

  constructor(
    private readonly database: () => Database,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  async load(): Promise<void> {
    const [row] = await this.database().rows('SELECT epoch, revision FROM position');
    const position = frames.position.optional().safeParse(row);
    if (!position.success)
      this.log.warn('where the stored desired state stands is damaged: the hub sends all of it again');
    this.#position = position.data ?? null;
    const found = await this.database().rows('SELECT name, hash, body, good FROM sections');
    this.#sections.clear();
    for (const row of found) {
      const held = position.success ? this.#held(row) : HeldSection.damaged(String(row.name));
      this.#sections.set(held.stored.name, held);
    }
  }

  /** A section that is what its hash says; of another one nothing is known until the hub sends it again. */
  #held(row: Row): HeldSection {
    const { success, data: stored } = sectionRow.safeParse(row);
    if (success && contentHash(stored.body) === stored.hash) return new HeldSection(stored);
    this.log.warn({ section: row.name }, 'a stored section is damaged: it is left aside until the hub sends it again');
    return HeldSection.damaged(String(row.name));
  }

  /** Null until the hub sent a first desired state. */
  get position(): Position | null {
    return this.#position;
  }

  hashes(): SectionHashes {
    return Object.fromEntries([...this.#sections].map(([name, { stored }]) => [name, stored.hash]));
  }

  /** Tells whenever a section became another or went, after that is on the disk. */
  onChange(section: string, listener: () => void): void {
    this.#listeners.push({ section, tell: listener });
  }

  /**
   * The value of a section, `undefined` when there is none.
   * @throws EdgeError when it is not known what is wanted: `bad_request` when neither it nor the one before can be read,
   * `database_unavailable` until the hub has sent again one that was damaged on the disk.
   */
  read<T>(section: string, schema: z.ZodType<T>): T | undefined {
    const held = this.#sections.get(section);
    const reading = held?.read(schema);
    if (reading === undefined) return undefined;
    if (reading.of !== 'none') return reading.value;
    if (held?.isDamaged === true)
      throw new EdgeError(
        'database_unavailable',
        `The section "${section}" was damaged on the disk; the hub sends it again.`,
      );
    throw new EdgeError('bad_request', `This agent cannot read the section "${section}" of its hub; update the agent.`);
  }

  /**
   * Takes over a desired state, all of it or nothing; one that is older, in the same epoch, is passed over.
   * @throws EdgeError `bad_request` when a section is not what its hash says.
   */
  apply(position: Position, sections: readonly Section[], gone: readonly string[]): Promise<void> {
    const applied = this.#last.then(() => this.#apply(position, sections, gone));
    this.#last = applied.catch(() => undefined);
    return applied;
  }

  /** Forgets everything: the node is another now. */
  async clear(): Promise<void> {
    const database = this.database();
    await database.write(
      () => database.execute('DELETE FROM sections; DELETE FROM position'),
      () => {
        this.#position = null;
        this.#sections.clear();
      },
    );
  }

  async #apply(position: Position, sections: readonly Section[], gone: readonly string[]): Promise<void> {
    const damaged = sections.find(({ body, hash }) => contentHash(body) !== hash);
    if (damaged) throw new EdgeError('bad_request', `The section "${damaged.name}" is not what its hash says.`);
    if (isOlder(position, this.#position)) {
      this.log.warn({ position, stored: this.#position }, 'passed over an older desired state');
      return;
    }
    const changed = sections.filter(({ name, hash }) => this.#sections.get(name)?.stored.hash !== hash);
    const next = changed.map((section) => ({ ...section, good: this.#sections.get(section.name)?.fallback ?? null }));
    const database = this.database();
    await database.write(
      () => save(database, { position, next, gone }),
      () => {
        this.#take(position, next, gone);
      },
    );
    this.#tell([...next.map(({ name }) => name), ...gone]);
  }

  #take(position: Position, next: readonly StoredSection[], gone: readonly string[]): void {
    this.#position = position;
    for (const name of gone) this.#sections.delete(name);
    for (const stored of next) this.#sections.set(stored.name, new HeldSection(stored));
  }

  #tell(changed: readonly string[]): void {
    for (const { section, tell } of this.#listeners) if (changed.includes(section)) tell();
  }
}

interface Change {
  readonly position: Position;
  readonly next: readonly StoredSection[];
  readonly gone: readonly string[];
}

async function save(database: Database, { position: { epoch, revision }, next, gone }: Change): Promise<void> {
  for (const name of gone) await database.run('DELETE FROM sections WHERE name = ?', name);
  for (const { name, hash, body, good } of next)
    await database.run('INSERT OR REPLACE INTO sections VALUES (?, ?, ?, ?)', name, hash, body, good);
  await database.run('INSERT OR REPLACE INTO position VALUES (1, ?, ?)', epoch, revision);
}

function isOlder(position: Position, stored: Position | null): boolean {
  return stored?.epoch === position.epoch && position.revision < stored.revision;
}
