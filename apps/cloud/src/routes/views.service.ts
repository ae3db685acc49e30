import { Injectable } from '@nestjs/common';
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
    const reports = await this.reports(rows.map(({ uid }) => uid));
    const oldest = await this.oldest();
    return rows.map((row) => shownRoute(row, this.status(row, reports.get(row.uid) ?? [], oldest)));
  }

  /** All routes of all projects. */
  async all(): Promise<Route[]> {
    return this.shown(await this.db.read.find(RouteRow));
  }

  private status(
    { uid, project, spec }: RouteRow,
    nodes: readonly NodeCounts[],
    oldest: ReadonlyMap<string, number>,
  ): RouteStatus {
    const now = systemClock.now();
    const fromNodes = spec.source.endpoint === 'edge';
    const stats = statsOf(this.counts.of(uid), this.backlog(uid, oldest), { nodes, fromNodes, now });
    const { state, detail } = this.connections.state(project, stateName({ uid, spec }));
    if (spec.state !== 'active' || state !== 'failing') return { state: spec.state, detail: '', stats };
    return { state: 'failing', detail, stats };
  }

  private backlog(uid: string, oldest: ReadonlyMap<string, number>): HubBacklog {
    const { lanes, drops, deadLanes } = this.hub.outbox;
    const own = lanes.filter(({ lane }) => readLane(lane).uid === uid);
    const ages = own.flatMap(({ lane }) => oldest.get(lane) ?? []);
    return {
      count: own.reduce((sum, { count }) => sum + count, 0),
      bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
      oldestAt: ages.length === 0 ? undefined : Math.min(...ages),
      dead: [...deadLanes].reduce((sum, [lane, count]) => (readLane(lane).uid === uid ? sum + count : sum), 0),
      drops: drops
        .filter(({ lane }) => readLane(lane).uid === uid)
        .map(({ reason, count, first, last }) => ({ reason, count, from: iso(first), to: iso(last) })),
    };
  }

  /** When the oldest message of each lane came into being. */
  private async oldest(): Promise<Map<string, number>> {
    const found: { lane: string; at: unknown }[] = await this.db.read.query(
      'SELECT lane, at FROM route_messages WHERE seq IN (SELECT min(seq) FROM route_messages GROUP BY lane)',
    );
    return new Map(found.map(({ lane, at }) => [lane, Number(at)]));
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

function iso(at: number): string {
  return new Date(at).toISOString();
}
