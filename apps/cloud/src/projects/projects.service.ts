import { Injectable } from '@nestjs/common';
import { EdgeError, type ListQuery, type Project } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { In, MoreThan } from 'typeorm';
import { Database, type Transaction } from '../db/index.js';
import { type Caller, LiveFeed } from '../http/index.js';
import { ProjectRow } from './projects.entity.js';

/** Says whether a project still has something of a slice's noun, by the noun's plural, in the transaction that would delete it. */
export interface ProjectTenant {
  readonly noun: string;
  readonly any: (project: string, tx: Transaction) => Promise<boolean>;
}

const DEFAULT = 'default';

@Injectable()
export class Projects {
  private readonly tenants: ProjectTenant[] = [];
  /** Names known to exist: each request into a project asks. */
  private readonly known = new Set<string>();
  private removals = 0;

  constructor(
    private readonly db: Database,
    private readonly feed: LiveFeed,
  ) {}

  /** A slice whose objects live in projects. */
  addTenant(tenant: ProjectTenant): void {
    this.tenants.push(tenant);
  }

  async start(): Promise<void> {
    const createdAt = new Date(systemClock.now()).toISOString();
    const row = { name: DEFAULT, description: '', createdAt };
    await this.db.write((tx) => tx.createQueryBuilder().insert().into(ProjectRow).values(row).orIgnore().execute());
  }

  /** @throws EdgeError `not_found`. */
  async mustExist(name: string): Promise<void> {
    if (this.known.has(name)) return;
    const { removals } = this;
    await this.mustBe(this.db.read, name);
    // One that was deleted while we read is not known.
    if (removals === this.removals) this.known.add(name);
  }

  /** The same from the database itself. */
  async mustBe(from: Transaction, name: string): Promise<void> {
    if (!(await from.existsBy(ProjectRow, { name }))) throw missing(name);
  }

  async list({ projects }: Caller, { limit, cursor }: ListQuery): Promise<{ items: Project[]; cursor?: string }> {
    const after = cursor === undefined ? [] : [{ name: MoreThan(cursor) }];
    const query = this.db.read
      .createQueryBuilder(ProjectRow, 'project')
      .orderBy('project.name')
      .take(limit + 1);
    if (projects !== undefined) query.andWhere({ name: In([...projects]) });
    for (const where of after) query.andWhere(where);
    const found = await query.getMany();
    const items = found.slice(0, limit).map(({ name, description, createdAt }) => ({ name, description, createdAt }));
    return found.length > limit ? { items, cursor: items.at(-1)?.name ?? '' } : { items };
  }

  async put(name: string, { description }: { description: string }): Promise<Project> {
    const createdAt = new Date(systemClock.now()).toISOString();
    const saved = await this.db.write(async (tx) => {
      const found = await tx.findOneBy(ProjectRow, { name });
      return tx.save(ProjectRow, { name, createdAt: found?.createdAt ?? createdAt, description });
    });
    this.feed.changed('project', undefined, name);
    return { name, description: saved.description, createdAt: saved.createdAt };
  }

  /** @throws EdgeError `in_use` while something is left in it. */
  async remove(name: string): Promise<void> {
    if (name === DEFAULT) throw new EdgeError('in_use', 'The project "default" always exists.');
    await this.db.write((tx) => this.removeEmpty(tx, name));
    this.removals += 1;
    this.known.delete(name);
    this.feed.changed('project', undefined, name);
  }

  private async removeEmpty(tx: Transaction, name: string): Promise<void> {
    await this.db.keepOthersOut(tx);
    await this.mustBe(tx, name);
    for (const { noun, any } of this.tenants) {
      if (await any(name, tx))
        throw new EdgeError('in_use', `There are ${noun} in project "${name}"; delete them first.`);
    }
    await tx.delete(ProjectRow, { name });
  }
}

function missing(name: string): EdgeError {
  return new EdgeError('not_found', `There is no project "${name}".`);
}
