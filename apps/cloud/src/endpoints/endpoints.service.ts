import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import {
  EdgeError,
  type EndpointSpec,
  endpointWrite,
  type Labels,
  type ListQuery,
  type MergePatch,
  type MessageEndpoint,
} from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { Database, type Page, ResourceStore, sameLabels } from '../db/index.js';
import { LiveFeed } from '../http/index.js';
import { patched } from '../nodes/nodes.module.js';
import { Secrets } from '../secrets/secrets.module.js';
import { Connections } from './connections.service.js';
import { EndpointRow } from './endpoints.entity.js';
import { checkCredentials, refuseBuiltIn, secretOf, shownEndpoint } from './endpoints.rules.js';

interface At {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}
interface EndpointWrite {
  readonly labels: Labels;
  readonly spec: EndpointSpec;
}
type Make = (before: EndpointRow | undefined) => EndpointWrite;

/** Names of the routes to each of the endpoints; one without any may be left out. `from`: the transaction that asks. */
export type RoutesTo = (
  project: string,
  names: readonly string[],
  from?: EntityManager,
) => Promise<ReadonlyMap<string, readonly string[]>>;
/** Told after an endpoint was written. @throws when a route to it would not fit any more: inside the transaction. */
export interface EndpointHooks {
  readonly routesTo: RoutesTo;
  readonly check: (tx: EntityManager, before: EndpointRow, spec: EndpointSpec) => Promise<void>;
  readonly changed: (project: string, name: string) => Promise<void>;
}

const NO_HOOKS: EndpointHooks = {
  routesTo: () => Promise.resolve(new Map()),
  check: () => Promise.resolve(),
  changed: () => Promise.resolve(),
};

/** Where routes lead to, as users make it. */
@Injectable()
export class Endpoints {
  private readonly store: ResourceStore<EndpointRow>;
  private hooks = NO_HOOKS;

  constructor(
    private readonly db: Database,
    private readonly secrets: Secrets,
    private readonly connections: Connections,
    private readonly feed: LiveFeed,
  ) {
    this.store = new ResourceStore(db, EndpointRow, 'endpoint');
  }

  /** Whoever has routes says what that means for endpoints. */
  use(hooks: EndpointHooks): void {
    this.hooks = hooks;
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, query: ListQuery): Promise<Page<MessageEndpoint>> {
    const { items, ...more } = await this.store.list(project, query);
    return { items: await this.shown(project, items), ...more };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<MessageEndpoint> {
    return this.one(await this.store.get(project, name));
  }

  /** Those of the names that exist. */
  find(project: string, names: readonly string[], from?: EntityManager): Promise<EndpointRow[]> {
    return this.store.findAll(project, names, from);
  }

  /** Endpoints that name a secret. */
  async usersOf(project: string, secrets: readonly string[], from = this.db.read): Promise<Map<string, string[]>> {
    const users = new Map<string, string[]>();
    for (const { secret, name } of await from.findBy(EndpointRow, { project, secret: In([...secrets]) }))
      if (secret !== null) users.set(secret, [...(users.get(secret) ?? []), name]);
    return users;
  }

  /** A secret was written: connections that used it begin anew. */
  async secretChanged(project: string, secret: string): Promise<void> {
    const users = await this.usersOf(project, [secret]);
    for (const name of users.get(secret) ?? []) await this.changed({ project, name });
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: EndpointWrite): Promise<MessageEndpoint> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not an endpoint. */
  patch(at: At, patch: MergePatch): Promise<MessageEndpoint> {
    return this.change(at, (before) => {
      if (before === undefined)
        throw new EdgeError('not_found', `There is no endpoint "${at.name}" in project "${at.project}".`);
      return patched(endpointWrite, { labels: before.labels, spec: before.spec }, patch);
    });
  }

  /** @throws EdgeError `in_use` while routes lead to it. */
  async remove({ project, name, ifMatch }: At): Promise<void> {
    await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const row = await this.store.get(project, name, tx);
      const routes = (await this.hooks.routesTo(project, [name], tx)).get(name) ?? [];
      if (routes.length > 0)
        throw new EdgeError('in_use', `Endpoint "${name}" is the target of ${routes.slice(0, 10).join(', ')}.`);
      await this.store.remove(tx, row, ifMatch);
    });
    await this.changed({ project, name });
  }

  private async change(at: At, make: Make): Promise<MessageEndpoint> {
    refuseBuiltIn(at.name);
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && same(found, make(found))) return this.one(found);
    const saved = await this.db.write((tx) => this.save(tx, at, make));
    await this.changed(at);
    return this.one(saved);
  }

  private async save(tx: EntityManager, at: At, make: Make): Promise<EndpointRow> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    const { labels, spec } = make(before);
    this.connections.check(spec);
    const secret = secretOf(spec);
    if (secret !== null) {
      const properties = await this.secrets.properties(at.project, secret, tx);
      if (properties === undefined)
        throw new EdgeError('bad_request', `spec.secret: there is no secret "${secret}" of type data in this project.`);
      checkCredentials(spec, secret, properties);
    }
    if (before !== undefined) await this.hooks.check(tx, before, spec);
    const now = new Date(systemClock.now()).toISOString();
    return this.store.save(tx, { ...at, now }, { labels, spec, kind: spec.kind, secret });
  }

  private async changed({ project, name }: Pick<At, 'project' | 'name'>): Promise<void> {
    await this.connections.forget(project, name);
    await this.hooks.changed(project, name);
    this.feed.changed('endpoint', project, name);
  }

  private async one(row: EndpointRow): Promise<MessageEndpoint> {
    const [shown] = await this.shown(row.project, [row]);
    if (shown === undefined) throw new EdgeError('internal', `endpoint "${row.name}" was not shown`);
    return shown;
  }

  private async shown(project: string, rows: readonly EndpointRow[]): Promise<MessageEndpoint[]> {
    const names = rows.map(({ name }) => name);
    const routes = await this.hooks.routesTo(project, names);
    return rows.map((row) =>
      shownEndpoint(row, { usedBy: [...(routes.get(row.name) ?? [])], ...this.connections.state(project, row.name) }),
    );
  }
}

function same(row: EndpointRow, { labels, spec }: EndpointWrite): boolean {
  return sameLabels(row.labels, labels) && isDeepStrictEqual(row.spec, spec);
}
