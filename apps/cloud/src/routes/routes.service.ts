import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import {
  EdgeError,
  type EndpointSpec,
  type Labels,
  type ListQuery,
  MAX_PROJECT_ROUTES,
  type MergePatch,
  type Route,
  type RouteSpec,
  routeWrite,
} from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { Database, type Page, ResourceStore, sameLabels } from '../db/index.js';
import { Connections, type EndpointRow, Endpoints } from '../endpoints/endpoints.module.js';
import { patched } from '../nodes/nodes.module.js';
import { KnownRoutes } from './known-routes.service.js';
import { RouteRow } from './routes.entity.js';
import { checkAmong, checkRoute } from './routes.rules.js';
import { RouteSignals } from './signals.service.js';
import { RouteViews } from './views.service.js';

interface At {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}
interface RouteWrite {
  readonly labels: Labels;
  readonly spec: RouteSpec;
}
type Make = (before: RouteRow | undefined) => RouteWrite;

/** Routes: what users make of them. */
@Injectable()
export class Routes {
  private readonly store: ResourceStore<RouteRow>;

  constructor(
    private readonly db: Database,
    private readonly endpoints: Endpoints,
    private readonly connections: Connections,
    private readonly known: KnownRoutes,
    private readonly views: RouteViews,
    private readonly signals: RouteSignals,
  ) {
    this.store = new ResourceStore(db, RouteRow, 'route');
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, query: ListQuery): Promise<Page<Route>> {
    const { items, ...more } = await this.store.list(project, query);
    return { items: await this.views.shown(items), ...more };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<Route> {
    return this.one(await this.store.get(project, name));
  }

  /** @throws EdgeError `not_found`. */
  row(project: string, name: string): Promise<RouteRow> {
    return this.store.get(project, name);
  }

  /** Names of the routes to each of the endpoints. */
  async routesTo(project: string, names: readonly string[], from = this.db.read): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const rows = await from.find(RouteRow, { where: { project, target: In([...names]) }, order: { name: 'ASC' } });
    for (const { target, name } of rows) found.set(target, [...(found.get(target) ?? []), name]);
    return found;
  }

  /** Whether all routes to an endpoint still fit it when it becomes this. */
  async checkEndpoint(tx: EntityManager, { project, name }: EndpointRow, spec: EndpointSpec): Promise<void> {
    for (const row of await tx.findBy(RouteRow, { project, target: name })) {
      try {
        this.check(row.spec, spec);
      } catch (error) {
        const detail = error instanceof EdgeError ? error.detail : String(error);
        throw new EdgeError('route_conflict', `Route "${row.name}" leads here and would not fit any more: ${detail}`);
      }
    }
  }

  /** An endpoint was written: routes to it try again at once, and nodes may have to do something else. */
  endpointChanged(project: string, name: string): void {
    for (const { uid, spec } of this.known.of(project)) if (spec.target.endpoint === name) this.known.touch(uid);
    this.signals.nodes(project);
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: RouteWrite): Promise<Route> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not a route. */
  patch(at: At, patch: MergePatch): Promise<Route> {
    return this.change(at, (before) => {
      if (before === undefined)
        throw new EdgeError('not_found', `There is no route "${at.name}" in project "${at.project}".`);
      return patched(routeWrite, { labels: before.labels, spec: before.spec }, patch);
    });
  }

  /** What the route still holds is dropped, counted. */
  async remove({ project, name, ifMatch }: At): Promise<void> {
    const row = await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const found = await this.store.get(project, name, tx);
      await this.store.remove(tx, found, ifMatch);
      await this.signals.forget(tx, found);
      return found;
    });
    this.known.removed(row);
    this.signals.removed(row);
  }

  private async change(at: At, make: Make): Promise<Route> {
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && same(found, make(found))) return this.one(found);
    const row = await this.db.write((tx) => this.save(tx, at, make));
    this.known.written(row);
    this.signals.changed(row);
    return this.one(row);
  }

  private async save(tx: EntityManager, at: At, make: Make): Promise<RouteRow> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    const { labels, spec } = make(before);
    if (before !== undefined && before.spec.source.endpoint !== spec.source.endpoint)
      throw new EdgeError(
        'bad_request',
        'spec.source.endpoint: it cannot change; delete the route and make a new one.',
      );
    const endpoint = await this.endpoint(tx, at.project, spec);
    this.check(spec, endpoint);
    const others = await tx.findBy(RouteRow, { project: at.project });
    const rest = others.filter(({ name }) => name !== at.name);
    if (rest.length >= MAX_PROJECT_ROUTES)
      throw new EdgeError('bad_request', `A project has at most ${MAX_PROJECT_ROUTES} routes.`);
    checkAmong({ name: at.name, spec }, rest);
    const now = new Date(systemClock.now()).toISOString();
    const uid = before?.uid ?? randomUUID();
    return this.store.save(tx, { ...at, now }, { labels, spec, uid, target: spec.target.endpoint });
  }

  /** The endpoint that the user made; undefined for one that is built in. */
  private async endpoint(tx: EntityManager, project: string, { target }: RouteSpec): Promise<EndpointSpec | undefined> {
    const { endpoint } = target;
    if (endpoint === 'edge' || endpoint === 'live') return undefined;
    if (endpoint === 'rest' || endpoint === 'events')
      throw new EdgeError(
        'bad_request',
        `spec.target.endpoint: messages come from "${endpoint}", they do not go there.`,
      );
    const [row] = await this.endpoints.find(project, [endpoint], tx);
    if (row !== undefined) return row.spec;
    throw new EdgeError(
      'bad_request',
      `spec.target.endpoint: there is no endpoint "${endpoint}" in project "${project}".`,
    );
  }

  private check(spec: RouteSpec, endpoint: EndpointSpec | undefined): void {
    checkRoute(spec, endpoint?.kind ?? (spec.target.endpoint === 'live' ? 'live' : 'edge'));
    const problem =
      endpoint === undefined || endpoint.kind === 'service'
        ? undefined
        : this.connections.problem(endpoint, spec.target);
    if (problem !== undefined) throw new EdgeError('bad_request', `spec.target: ${problem}`);
  }

  private async one(row: RouteRow): Promise<Route> {
    const [shown] = await this.views.shown([row]);
    if (shown === undefined) throw new EdgeError('internal', `route "${row.name}" was not shown`);
    return shown;
  }
}

function same(row: RouteRow, { labels, spec }: RouteWrite): boolean {
  return sameLabels(row.labels, labels) && isDeepStrictEqual(row.spec, spec);
}
