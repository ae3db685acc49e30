import { Injectable } from '@nestjs/common';
import { type NodeRef, type ReportedRoutes, reportedRoutes } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { LiveFeed } from '../http/index.js';
import type { InboundHandler, InboundReport } from '../link/index.js';
import { KnownRoutes } from './known-routes.service.js';
import { RouteReportRow } from './routes.entity.js';

const ROWS = 100;

/** What nodes count of routes. */
@Injectable()
export class RoutesLink implements InboundHandler<ReportedRoutes> {
  readonly section = 'routes';
  readonly schema = reportedRoutes;

  constructor(
    private readonly known: KnownRoutes,
    private readonly feed: LiveFeed,
  ) {}

  async apply(tx: EntityManager, reports: readonly InboundReport<ReportedRoutes>[]): Promise<void> {
    const rows = reports.flatMap(({ ref: { project, node }, value }) =>
      value.routes
        .filter(({ uid }) => this.known.get(uid)?.project === project)
        .map((report) => ({ uid: report.uid, project, node, report })),
    );
    for (let at = 0; at < rows.length; at += ROWS)
      await tx.upsert(RouteReportRow, rows.slice(at, at + ROWS), ['uid', 'project', 'node']);
  }

  committed(reports: readonly InboundReport<ReportedRoutes>[]): void {
    const uids = new Set(reports.flatMap(({ value }) => value.routes.map(({ uid }) => uid)));
    for (const uid of uids) {
      const route = this.known.get(uid);
      if (route !== undefined) this.feed.changed('route', route.project, route.name);
    }
  }

  /** A node was deleted, or routes were. */
  async forget(tx: EntityManager, gone: NodeRef | { readonly uids: readonly string[] }): Promise<void> {
    if ('uids' in gone) await tx.delete(RouteReportRow, { uid: In([...gone.uids]) });
    else await tx.delete(RouteReportRow, { project: gone.project, node: gone.node });
  }
}
