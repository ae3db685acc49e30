import { Injectable } from '@nestjs/common';
import type { Drop, LaneStatus } from '@selvage/outbox';
import type { Route, RouteStatus } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { In } from 'typeorm';
import { Database } from '../db/index.js';
import { Connections } from '../endpoints/endpoints.module.js';
import { RouteCounts } from './counts.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { readLane, stateName } from './lanes.rules.js';
import { RouteReportRow, RouteRow } from './routes.entity.js';
import { shownRoute } from './routes.rules.js';
import { type HubBacklog, type NodeCounts, statsOf } from './stats.rules.js';

const NAMES = 500;
const NOTHING: HubBacklog = { count: 0, bytes: 0, oldestAt: undefined, dead: 0, drops: [] };

/** Routes as the API shows them: with what the hub and all nodes have counted. */
@Injectable()
export class RouteViews {
  constructor(
    private readonly db: Database,
    private readonly hub: HubOutbox,
    private readonly counts: RouteCounts,
    private readonly connections: Connections,
  ) {}

  async shown(rows: readonly RouteRow[]): Promise<Route[]> {
    const uids = rows.map(({ uid }) => uid);
    const reports = await this.reports(uids);
    const backlogs = await this.backlogs(new Set(uids));
    return rows.map((row) =>
      shownRoute(row, this.status(row, reports.get(row.uid) ?? [], backlogs.get(row.uid) ?? NOTHING)),
    );
  }

  /** All routes of all projects. */
  async all(): Promise<Route[]> {
    return this.shown(await this.db.read.find(RouteRow));
  }

  private status({ uid, project, spec }: RouteRow, nodes: readonly NodeCounts[], backlog: HubBacklog): RouteStatus {
    const now = systemClock.now();
    const fromNodes = spec.source.endpoint === 'edge';
    const stats = statsOf(this.counts.of(uid), backlog, { nodes, fromNodes, now });
    const { state, detail } = this.connections.state(project, stateName({ uid, spec }));
    if (spec.state !== 'active' || state !== 'failing') return { state: spec.state, detail: '', stats };
    return { state: 'failing', detail, stats };
  }

  /** What lies at the hub of each route. There may be a lane for each of them and each node: they are gone through once. */
  private async backlogs(uids: ReadonlySet<string>): Promise<Map<string, HubBacklog>> {
    const { outbox, store } = this.hub;
    const own = ofRoutes(outbox.lanes, uids);
    const waiting = [...own.values()].flat().filter(({ count }) => count > 0);
    const oldest = await store.oldest(waiting.map(({ lane }) => lane));
    const drops = ofRoutes(outbox.drops, uids);
    const dead = ofRoutes(
      [...outbox.deadLanes].map(([lane, count]) => ({ lane, count })),
      uids,
    );
    return new Map([...uids].map((uid) => [uid, backlogOf(own.get(uid), oldest, drops.get(uid), dead.get(uid))]));
  }

  private async reports(uids: readonly string[]): Promise<Map<string, NodeCounts[]>> {
    const found = new Map<string, NodeCounts[]>();
    for (let at = 0; at < uids.length; at += NAMES) {
      const rows = await this.db.read.findBy(RouteReportRow, { uid: In(uids.slice(at, at + NAMES)) });
      for (const { uid, node, report } of rows) found.set(uid, [...(found.get(uid) ?? []), { node, report }]);
    }
    return found;
  }
}

/** What there is of each of the routes. */
function ofRoutes<T extends { readonly lane: string }>(all: Iterable<T>, uids: ReadonlySet<string>): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const { uid } = readLane(one.lane);
    if (!uids.has(uid)) continue;
    const there = found.get(uid);
    if (there === undefined) found.set(uid, [one]);
    else there.push(one);
  }
  return found;
}

function backlogOf(
  lanes: readonly LaneStatus[] = [],
  oldest: ReadonlyMap<string, number>,
  drops: readonly Drop[] = [],
  dead: readonly { readonly count: number }[] = [],
): HubBacklog {
  const ages = lanes.flatMap(({ lane }) => oldest.get(lane) ?? []);
  return {
    count: lanes.reduce((sum, { count }) => sum + count, 0),
    bytes: lanes.reduce((sum, { bytes }) => sum + bytes, 0),
    oldestAt: ages.reduce<number | undefined>((least, at) => Math.min(least ?? at, at), undefined),
    dead: dead.reduce((sum, { count }) => sum + count, 0),
    drops: drops.map(({ reason, count, first, last }) => ({ reason, count, from: iso(first), to: iso(last) })),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
