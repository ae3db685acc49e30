import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import { RouteCounts } from './counts.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { RouteCountRow, type RouteRow } from './routes.entity.js';
import { RoutesLink } from './routes.link.js';

/** What follows for others when a route is written. */
@Injectable()
export class RouteSignals {
  constructor(
    private readonly desired: Desired,
    private readonly feed: LiveFeed,
    private readonly link: RoutesLink,
    private readonly counts: RouteCounts,
    private readonly hub: HubOutbox,
  ) {}

  /** Call it after the commit. */
  changed({ project, name }: RouteRow): void {
    this.nodes(project);
    this.feed.changed('route', project, name);
  }

  /** Call it after the commit. */
  removed(row: RouteRow): void {
    this.counts.forget(row.uid);
    this.hub.forget(row.uid);
    this.changed(row);
  }

  /** What nodes do for routes may be something else. */
  nodes(project: string): void {
    this.desired.pokeProject(project);
  }

  async forget(tx: EntityManager, { uid }: RouteRow): Promise<void> {
    await this.link.forget(tx, { uids: [uid] });
    await tx.delete(RouteCountRow, { uid });
  }
}
