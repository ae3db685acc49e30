import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EVENT_CONTENT_TYPE, toEdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type Happening, LiveFeed } from '../http/index.js';
import { RouteCounts } from './counts.service.js';
import { cloudEventOf } from './events.rules.js';
import { RouteIntake } from './intake.service.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';

/**
 * Makes messages of what happens on the hub. It is stored right after the change that it tells of is committed: a hub that is killed
 * between both never tells.
 */
@Injectable()
export class RouteEvents {
  constructor(
    private readonly known: KnownRoutes,
    private readonly intake: RouteIntake,
    private readonly counts: RouteCounts,
    private readonly feed: LiveFeed,
  ) {}

  start(): void {
    this.feed.happenings.listen((happening) => {
      this.take(happening);
    });
  }

  /** Routes get the same event under the same id, each in the order in which events happened. */
  private take(happening: Happening): void {
    const { project, type, name, node } = happening;
    const routes = this.known.forEvent(project, type);
    if (routes.length === 0) return;
    const id = randomUUID();
    const event = cloudEventOf(happening, id, new Date(systemClock.now()).toISOString());
    const payload = Buffer.from(JSON.stringify(event));
    const own = { id, topic: type, payload, contentType: EVENT_CONTENT_TYPE };
    const vars = { name, ...(node !== undefined && { node }) };
    for (const route of routes) this.intake.take(route, { ...own, vars }).catch(this.failed(route));
  }

  /** Nobody waits for the answer: it is told of with the route. */
  private failed({ uid }: KnownRoute): (error: unknown) => void {
    return (error) => {
      this.counts.failed(uid, toEdgeError(error).detail);
    };
  }
}
