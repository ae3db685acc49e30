import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { In } from 'typeorm';
import { Database, type Forgetting } from '../db/index.js';
import { RouteCounts } from './counts.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { KnownRoutes } from './known-routes.service.js';
import { readLane } from './lanes.rules.js';
import { RouteCountRow, RouteReportRow } from './routes.entity.js';

/** Counted of a route that is not there: it was on its way when the route was deleted. */
const COUNTED = ['route_counts', 'route_reports']
  .map((table) => `SELECT uid FROM ${table} WHERE uid NOT IN (SELECT uid FROM routes)`)
  .join(' UNION ');

/** What is left of routes that were deleted. */
@Injectable()
export class RouteRemains {
  constructor(
    private readonly db: Database,
    private readonly known: KnownRoutes,
    private readonly hub: HubOutbox,
    private readonly counts: RouteCounts,
  ) {}

  /** By uid. */
  counted(): Forgetting<string> {
    const find = async (_now: number, limit: number): Promise<string[]> => {
      const rows = await this.db.read.query<{ uid: string }[]>(`${COUNTED} LIMIT ${limit}`);
      return rows.map(({ uid }) => uid);
    };
    const remove = async (tx: EntityManager, uids: readonly string[]): Promise<void> => {
      for (const uid of uids) this.counts.forget(uid);
      for (const table of [RouteCountRow, RouteReportRow]) await tx.delete(table, { uid: In(uids) });
    };
    return { what: 'counts of routes that are gone', find, remove };
  }

  /** By lane. What still waits there is dropped and counted first. */
  dropped(): Forgetting<string> {
    const find = (_now: number, limit: number): Promise<string[]> => {
      const { drops, lanes } = this.hub.outbox;
      const waiting = new Set(lanes.filter(({ count }) => count > 0).map(({ lane }) => lane));
      const gone = drops.map(({ lane }) => lane).filter((lane) => this.known.get(readLane(lane).uid) === undefined);
      return Promise.resolve([...new Set(gone)].filter((lane) => !waiting.has(lane)).slice(0, limit));
    };
    const remove = async (tx: EntityManager, lanes: readonly string[]): Promise<void> => {
      await this.hub.store.forgetDrops(tx, lanes);
      this.hub.outbox.forgetDrops(new Set(lanes));
    };
    return { what: 'drops of routes that are gone', find, remove };
  }
}
