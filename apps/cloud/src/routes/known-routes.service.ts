import { Injectable } from '@nestjs/common';
import type { EventType, RouteSpec } from '@selvage/protocol';
import {
  byPathExactness,
  type Captures,
  type Filter,
  matchPath,
  type PathTemplate,
  readFilter,
  readPath,
  readTransform,
  type Seen,
  type Transform,
} from '@selvage/routes';
import { Database } from '../db/index.js';
import { RouteRow } from './routes.entity.js';

/** A route that is ready to be used. */
export interface KnownRoute {
  readonly uid: string;
  readonly project: string;
  readonly name: string;
  readonly spec: RouteSpec;
  readonly filter: Filter | undefined;
  readonly transform: Transform | undefined;
  readonly path: PathTemplate | undefined;
}

/** All routes of the hub, in memory: every message asks for its own. */
@Injectable()
export class KnownRoutes {
  private readonly byUid = new Map<string, KnownRoute>();
  private readonly projects = new Map<string, Map<string, KnownRoute>>();
  /** Those of each project that take events, by uid: most take none, and much happens. */
  private readonly ofEvents = new Map<string, Map<string, KnownRoute>>();
  private readonly listeners: ((uid: string) => void)[] = [];

  constructor(private readonly db: Database) {}

  async start(): Promise<void> {
    for (const row of await this.db.read.find(RouteRow)) this.keep(row);
  }

  get all(): Iterable<KnownRoute> {
    return this.byUid.values();
  }

  get(uid: string): KnownRoute | undefined {
    return this.byUid.get(uid);
  }

  named(project: string, name: string): KnownRoute | undefined {
    return this.projects.get(project)?.get(name);
  }

  of(project: string): Iterable<KnownRoute> {
    return this.projects.get(project)?.values() ?? [];
  }

  /** Told of each route that is new, other than it was, or gone. */
  listen(listener: (uid: string) => void): void {
    this.listeners.push(listener);
  }

  /** A route was written. Call it after the commit. */
  written(row: RouteRow): void {
    this.keep(row);
    for (const listener of this.listeners) listener(row.uid);
  }

  /** What a route leads to is other than it was. */
  touch(uid: string): void {
    for (const listener of this.listeners) listener(uid);
  }

  removed({ uid, project, name }: RouteRow): void {
    this.byUid.delete(uid);
    this.ofEvents.get(project)?.delete(uid);
    if (this.named(project, name)?.uid === uid) this.projects.get(project)?.delete(name);
    for (const listener of this.listeners) listener(uid);
  }

  /** The one route that takes a request: of those that fit the path, the most exact one. */
  forRequest(project: string, { method, path }: { method: string; path: string }): Matched | undefined {
    const found: (Matched & { readonly template: PathTemplate })[] = [];
    for (const route of this.of(project)) {
      const { source, state } = route.spec;
      if (source.endpoint !== 'rest' || route.path === undefined || state === 'stopped') continue;
      const captures = matchPath(route.path, path);
      if (captures !== undefined && source.methods.some((one) => one === method))
        found.push({ route, captures, template: route.path });
    }
    return found.sort((a, b) => byPathExactness(a.template, b.template))[0];
  }

  /** The routes that want an event of this type. */
  forEvent(project: string, type: EventType): KnownRoute[] {
    const [noun = ''] = type.split('.');
    const all = [...(this.ofEvents.get(project)?.values() ?? [])];
    return all.filter(({ spec: { source } }) => {
      return source.endpoint === 'events' && source.types.some((one) => one === type || one === `${noun}.*`);
    });
  }

  private keep({ uid, project, name, spec }: RouteRow): void {
    const { filter, transform, source } = spec;
    const route: KnownRoute = {
      ...{ uid, project, name, spec },
      filter: filter === undefined ? undefined : atUse(() => readFilter(filter)),
      transform: transform === undefined ? undefined : atUse(() => readTransform(transform)),
      path: source.endpoint === 'rest' ? readPath(source.path) : undefined,
    };
    this.byUid.set(uid, route);
    among(this.projects, project).set(name, route);
    if (source.endpoint === 'events' && spec.state !== 'stopped') among(this.ofEvents, project).set(uid, route);
    else this.ofEvents.get(project)?.delete(uid);
  }
}

/** The routes of a project, to be added to. */
function among(all: Map<string, Map<string, KnownRoute>>, project: string): Map<string, KnownRoute> {
  const own = all.get(project) ?? new Map<string, KnownRoute>();
  all.set(project, own);
  return own;
}

/** Reads an expression when it is first used: one that an older hub took and this one does not must not keep the hub from starting. */
function atUse<T>(read: () => (seen: Seen) => T): (seen: Seen) => T {
  let known: ((seen: Seen) => T) | undefined;
  return (seen) => (known ??= read())(seen);
}

/** A route that takes a request, and what the captures of its path stand for. */
export interface Matched {
  readonly route: KnownRoute;
  readonly captures: Captures;
}
