import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { seal, unseal } from '@selvage/pki';
import { EdgeError, type Labels, type ListQuery, type Secret, secretSpec, type SecretSpec } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, Not } from 'typeorm';
import { type Changes, Database, MasterKey, type Page, ResourceStore, sameLabels } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import { LOG, type Logger } from '../log/index.js';
import { SecretRow } from './secrets.entity.js';
import { inUse, nodesOf, refuseTooMany, shownColumns, shownSecret } from './secrets.rules.js';

/** Which objects of a slice use each of the secrets; one that nothing uses may be left out. `from`: the transaction that asks. */
export type UsageLookup = (
  project: string,
  names: readonly string[],
  from?: EntityManager,
) => Promise<ReadonlyMap<string, string[]>>;

/** Which object is changed, and the revision that the caller saw of it. */
export interface At {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}

interface SecretWrite {
  readonly labels: Labels;
  readonly spec: SecretSpec;
}

type DataSecret = Extract<SecretSpec, { type: 'data' }>;

const PURPOSE = 'secrets';

/** Credentials that apps need. They rest sealed and leave the hub only for the nodes that use them. */
@Injectable()
export class Secrets {
  private readonly store: ResourceStore<SecretRow>;
  private readonly lookups: UsageLookup[] = [];
  private readonly listeners: ((project: string, name: string) => Promise<void>)[] = [];

  constructor(
    private readonly db: Database,
    private readonly masterKey: MasterKey,
    private readonly feed: LiveFeed,
    @Inject(LOG) private readonly log: Logger,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
  ) {
    this.store = new ResourceStore(db, SecretRow, 'secret');
  }

  /** Who uses secrets says which. */
  usedBy(lookup: UsageLookup): void {
    this.lookups.push(lookup);
  }

  /** Told after a secret was written, so that the nodes that use it get it. */
  onChanged(hook: (project: string, name: string) => Promise<void>): void {
    this.listeners.push(hook);
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  /** Whether there are credentials for a registry under this name. */
  async has(project: string, name: string, from?: EntityManager): Promise<boolean> {
    return (await this.store.find(project, name, from))?.type === 'registry';
  }

  async list(project: string, query: ListQuery): Promise<Page<Secret>> {
    const { items, ...more } = await this.store.list(project, query);
    return { items: await this.shown(project, items), ...more };
  }

  async get(project: string, name: string): Promise<Secret> {
    return this.one(await this.store.get(project, name));
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: SecretWrite): Promise<Secret> {
    return this.change(at, write, () => undefined);
  }

  /** Replaces a secret that exists. @throws EdgeError `not_found`. */
  patch(at: At, write: SecretWrite): Promise<Secret> {
    return this.change(at, write, (before) => {
      this.store.present(before, at);
    });
  }

  private async change(at: At, write: SecretWrite, check: (before: SecretRow | undefined) => void): Promise<Secret> {
    const before = await this.store.find(at.project, at.name);
    check(before);
    this.store.guard(before, at.ifMatch);
    if (before !== undefined && this.unchanged(before, write)) return this.one(before);
    const now = new Date(systemClock.now()).toISOString();
    const saved = await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      check(await this.store.find(at.project, at.name, tx));
      const row = await this.store.save(tx, { ...at, now }, this.columns(at, write));
      refuseTooMany(nodesOf(row), await tx.findBy(SecretRow, { project: at.project, type: 'data', id: Not(row.id) }));
      return row;
    });
    this.told(at, [before, saved]);
    for (const listener of this.listeners) await listener(at.project, at.name);
    return this.one(saved);
  }

  /** @throws EdgeError `in_use` while something names it. */
  async remove({ project, name, ifMatch }: At): Promise<void> {
    const removed = await this.db.write(async (tx) => {
      // No app starts to use the secret meanwhile.
      await this.db.keepOthersOut(tx);
      const item = await this.store.get(project, name, tx);
      const users = (await this.usage(project, [name], tx)).get(name) ?? [];
      if (users.length > 0) throw inUse(name, users);
      await this.store.remove(tx, item, ifMatch);
      return item;
    });
    this.told({ project, name }, [removed]);
  }

  /** Names of the properties of a secret of type `data`; undefined when there is none of this name. */
  async properties(project: string, name: string, from?: EntityManager): Promise<readonly string[] | undefined> {
    const row = await this.store.find(project, name, from);
    return row?.type === 'data' ? (row.data?.properties ?? []) : undefined;
  }

  /** The secrets as they were written, by name. One that is missing or does not open is left out. */
  async open(project: string, names: readonly string[]): Promise<ReadonlyMap<string, SecretSpec>> {
    const opened = new Map<string, SecretSpec>();
    for (const row of await this.store.findAll(project, names)) {
      const spec = this.unsealed(row);
      if (spec !== undefined) opened.set(row.name, spec);
    }
    return opened;
  }

  /** Secrets of type `data` of a project, opened. One that does not open is left out. */
  async data(project: string): Promise<{ readonly name: string; readonly spec: DataSecret }[]> {
    const rows = await this.db.read.find(SecretRow, { where: { project, type: 'data' }, order: { name: 'ASC' } });
    return rows.flatMap((row) => {
      const spec = this.unsealed(row);
      return spec?.type === 'data' ? [{ name: row.name, spec }] : [];
    });
  }

  /** After the commit: whoever looks at secrets reads again, and the nodes that have or had its values are told. */
  private told({ project, name }: At, versions: readonly (SecretRow | undefined)[]): void {
    this.feed.changed('secret', project, name);
    const nodes = new Set(versions.flatMap((row) => nodesOf(row)));
    this.desired.poke([...nodes].map((node) => ({ project, node })));
  }

  private unchanged(row: SecretRow, { labels, spec }: SecretWrite): boolean {
    return sameLabels(row.labels, labels) && isDeepStrictEqual(this.unsealed(row), spec);
  }

  private columns(at: At, { labels, spec }: SecretWrite): Changes<SecretRow> {
    const box = seal(this.masterKey.keyFor(PURPOSE), Buffer.from(JSON.stringify(spec), 'utf8'), placeOf(at));
    return { labels, ...shownColumns(spec), sealed: box.toString('base64') };
  }

  private unsealed(row: SecretRow): SecretSpec | undefined {
    try {
      const plain = unseal(this.masterKey.keyFor(PURPOSE), Buffer.from(row.sealed, 'base64'), placeOf(row));
      return secretSpec.parse(JSON.parse(plain.toString('utf8')));
    } catch (error) {
      // Writing the secret again is the way out, and it goes through here too.
      const code = error instanceof EdgeError ? error.code : 'internal';
      this.log.error({ project: row.project, secret: row.name, code }, 'secret did not open; write it again');
      return undefined;
    }
  }

  private async usage(project: string, names: readonly string[], from?: EntityManager): Promise<Map<string, string[]>> {
    const all = new Map<string, string[]>();
    for (const lookup of this.lookups)
      for (const [name, users] of await lookup(project, names, from))
        all.set(name, [...(all.get(name) ?? []), ...users]);
    return all;
  }

  private async one(row: SecretRow): Promise<Secret> {
    const users = await this.usage(row.project, [row.name]);
    return shownSecret(row, users.get(row.name) ?? []);
  }

  private async shown(project: string, rows: readonly SecretRow[]): Promise<Secret[]> {
    const users = await this.usage(
      project,
      rows.map(({ name }) => name),
    );
    return rows.map((row) => shownSecret(row, users.get(row.name) ?? []));
  }
}

function placeOf({ project, name }: Pick<At, 'project' | 'name'>): string {
  return `secret/${project}/${name}`;
}
