import { randomUUID } from 'node:crypto';
import { EdgeError, type Labels, type ListQuery, matches, parseSelector } from '@selvage/protocol';
import { type EntityManager, type EntityTarget, type FindOptionsWhere, In, MoreThan } from 'typeorm';
import type { Database } from './database.js';
import type { ResourceEntity } from './resource.entity.js';

/** A page of a list; `cursor` is there when more follow. */
export interface Page<E> {
  readonly items: E[];
  readonly cursor?: string;
}

/** What a caller may change of any resource, and the slice's own columns. */
export type Changes<E extends ResourceEntity> = Partial<
  Omit<E, 'id' | 'project' | 'name' | 'revision' | 'createdAt' | 'updatedAt'>
>;

const BATCH = 500;

/** Reads and writes one table of named objects: names, pages, labels, revisions and the guard against lost updates. */
export class ResourceStore<E extends ResourceEntity> {
  constructor(
    private readonly db: Database,
    private readonly entity: EntityTarget<E> & (new () => E),
    /** What one of them is called, for messages: `app`. */
    private readonly noun: string,
  ) {}

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string, from: EntityManager = this.db.read): Promise<E> {
    return this.present(await this.find(project, name, from), { project, name });
  }

  /** What was looked for under a name, when it was found. @throws EdgeError `not_found`. */
  present(found: E | undefined, { project, name }: { project: string; name: string }): E {
    if (found !== undefined) return found;
    throw new EdgeError('not_found', `There is no ${this.noun} "${name}" in project "${project}".`);
  }

  async find(project: string, name: string, from: EntityManager = this.db.read): Promise<E | undefined> {
    return (await from.findOneBy(this.entity, this.where({ project, name }))) ?? undefined;
  }

  /** Those of the names that exist. */
  async findAll(project: string, names: readonly string[], from: EntityManager = this.db.read): Promise<E[]> {
    const found: E[] = [];
    for (let at = 0; at < names.length; at += BATCH) {
      found.push(...(await from.findBy(this.entity, this.where({ project, name: In(names.slice(at, at + BATCH)) }))));
    }
    return found;
  }

  /** A page in order of names. `keep` filters further than the labels do. */
  async list(project: string, query: ListQuery, keep: (item: E) => boolean = () => true): Promise<Page<E>> {
    const requirements = parseSelector(query.labels ?? '');
    const items: E[] = [];
    let after = query.cursor === undefined ? '' : readCursor(query.cursor);
    for (;;) {
      const batch = await this.batchAfter(project, after);
      for (const item of batch) {
        if (items.length === query.limit) return { items, cursor: writeCursor(items.at(-1)?.name ?? '') };
        if (matches(requirements, item.labels) && keep(item)) items.push(item);
      }
      if (batch.length < BATCH) return { items };
      after = batch.at(-1)?.name ?? after;
    }
  }

  /** Whether a project has any. */
  any(project: string, from: EntityManager = this.db.read): Promise<boolean> {
    return from.existsBy(this.entity, this.where({ project }));
  }

  /**
   * Creates or changes an object, with the next revision.
   * @throws EdgeError `conflict` when `ifMatch` is given and is not its revision, `not_found` when its project is not there.
   */
  async save(
    tx: EntityManager,
    at: { project: string; name: string; now: string; ifMatch?: number | undefined },
    changes: Changes<E>,
  ): Promise<E> {
    const { project, name, now, ifMatch } = at;
    const revision = await this.db.nextRevision(tx);
    const found = await this.find(project, name, tx);
    this.guard(found, ifMatch);
    if (found === undefined) await this.db.projectExists(tx, project);
    const saved = found ?? this.fresh({ project, name, now });
    Object.assign(saved, changes, { revision, updatedAt: now });
    return tx.save(this.entity, saved);
  }

  /** Deletes an object that was read in this transaction; the revision moves on, so that nodes notice. */
  async remove(tx: EntityManager, item: E, ifMatch?: number): Promise<number> {
    this.guard(item, ifMatch);
    const revision = await this.db.nextRevision(tx);
    await tx.delete(this.entity, { id: item.id });
    return revision;
  }

  /** @throws EdgeError `conflict`. */
  guard(found: E | undefined, ifMatch: number | undefined): void {
    if (ifMatch === undefined || found?.revision === ifMatch) return;
    const now = found === undefined ? 'does not exist' : `has revision ${found.revision}`;
    throw new EdgeError('conflict', `You changed revision ${ifMatch}, but the ${this.noun} ${now}. Read it again.`);
  }

  private fresh({ project, name, now }: { project: string; name: string; now: string }): E {
    const item = new this.entity();
    Object.assign(item, { id: randomUUID(), project, name, labels: {}, createdAt: now });
    return item;
  }

  private batchAfter(project: string, after: string): Promise<E[]> {
    const where = after === '' ? this.where({ project }) : this.where({ project, name: MoreThan(after) });
    return this.db.read.find(this.entity, { where, order: { name: 'ASC' } as never, take: BATCH });
  }

  /** TypeORM cannot know that every entity here has these columns; the class constraint does. */
  private where(columns: Record<string, unknown>): FindOptionsWhere<E> {
    return columns as FindOptionsWhere<E>;
  }
}

/** Whether labels or anything else that is kept as JSON is the same on both sides. */
export function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function writeCursor(name: string): string {
  return Buffer.from(name, 'utf8').toString('base64url');
}

function readCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString('utf8');
  if (/^[\w.@-]{1,253}$/.test(name)) return name;
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}
