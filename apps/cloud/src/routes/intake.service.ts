import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type NewMessage, OutboxRefusal, type Prepared } from '@selvage/outbox';
import { EdgeError, type NodeRef, type RoutedMessage, toEdgeError } from '@selvage/protocol';
import { fill } from '@selvage/routes';
import { decodeRouted, encodeRouted } from '@selvage/wire';
import type { Transaction } from '../db/index.js';
import type { InboundMessage, MessageHandler, Refuse } from '../link/index.js';
import { systemClock } from '@selvage/reconcile';
import { RouteCounts } from './counts.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';
import { laneName, type Lane, linkLane, readLane } from './lanes.rules.js';

/** What the hub itself takes for a route: a request, or an event. */
export interface OwnMessage extends Pick<RoutedMessage, 'topic' | 'vars' | 'payload'> {
  readonly contentType?: string | undefined;
  readonly traceparent?: string | undefined;
  /** Made up when absent. */
  readonly id?: string | undefined;
}

/** Takes messages for routes, from nodes and from the hub's own doors. */
@Injectable()
export class RouteIntake implements MessageHandler {
  readonly lane = linkLane('');
  private readonly prepared = new WeakMap<InboundMessage['body'], Prepared>();

  constructor(
    private readonly known: KnownRoutes,
    private readonly hub: HubOutbox,
    private readonly counts: RouteCounts,
  ) {}

  /** Whether a lane is that of a route: nobody makes up others. */
  takes(lane: string): boolean {
    return lane.startsWith(this.lane) && this.known.get(lane.slice(this.lane.length)) !== undefined;
  }

  /** In the transaction that notes that they have come. @throws EdgeError `overloaded` while nothing can be taken: they wait. */
  async apply(tx: Transaction, messages: readonly InboundMessage[], refuse: Refuse): Promise<void> {
    const ready: (readonly [InboundMessage, Prepared])[] = [];
    for (const origin of messages) {
      try {
        ready.push([origin, this.hub.outbox.prepare([this.fromNode(origin)])]);
      } catch (error) {
        const why = refusalOf(error);
        if (why.code === 'overloaded') throw why;
        refuse(origin, why);
      }
    }
    for (const [{ body }, prepared] of ready) this.prepared.set(body, prepared);
    await this.hub.store.insert(
      tx,
      ready.flatMap(([, { queued }]) => queued),
    );
  }

  unsure(messages: readonly InboundMessage[]): void {
    for (const { body } of messages) {
      const prepared = this.prepared.get(body);
      if (prepared !== undefined) this.hub.outbox.unsure(prepared);
    }
  }

  committed(messages: readonly InboundMessage[]): void {
    for (const { body } of messages) {
      const prepared = this.prepared.get(body);
      if (prepared === undefined) continue;
      this.hub.outbox.stored(prepared);
      for (const { lane } of prepared.queued) this.counts.add(readLane(lane).uid, { taken: 1 });
    }
  }

  /**
   * Takes a message at the hub: resolves with its id when it is on the disk, or is not wanted by the route's filter.
   * @throws EdgeError `bad_request` when the route cannot work on it, `body_too_large` when it never has room, `overloaded` when there
   * is none now, `not_found` when the route was deleted.
   */
  async take(route: KnownRoute, own: OwnMessage): Promise<{ readonly id: string; readonly kept: boolean }> {
    if (this.known.get(route.uid) === undefined) throw noSuchRoute(route.project);
    const id = own.id ?? randomUUID();
    const at = systemClock.now();
    const seen = { payload: own.payload, topic: own.topic, at, node: own.vars.node };
    if (route.filter !== undefined && !route.filter(seen)) {
      this.counts.add(route.uid, { taken: 1, filtered: 1 });
      return { id, kept: false };
    }
    const payload = route.transform === undefined ? own.payload : route.transform(seen);
    const contentType = route.transform === undefined ? own.contentType : 'application/json';
    const { topic, traceparent } = own;
    const message: RoutedMessage = {
      ...{ id, topic, at, payload, hops: [route.uid] },
      vars: { id, topic, project: route.project, ...own.vars },
      ...(contentType !== undefined && { contentType }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const lane = this.laneOf(route, 'hub', message);
    const key = keyOf(route, message);
    try {
      await this.hub.outbox.append({
        ...this.common(route, message),
        lane: laneName(lane),
        ...(key !== undefined && { key }),
      });
    } catch (error) {
      throw refusalOf(error);
    }
    this.counts.add(route.uid, { taken: 1 });
    return { id, kept: true };
  }

  private fromNode({ lane, ref, at, key, ttlMs, body }: InboundMessage): NewMessage {
    const route = this.known.get(lane.slice(this.lane.length));
    if (route?.project !== ref.project) throw noSuchRoute(ref.project);
    const message = trusted(decodeRouted(body), ref);
    const own = this.laneOf(route, 'node', message);
    return {
      ...{ lane: laneName(own), at, body: encodeRouted(message) },
      ...(key !== undefined && { key: `${ref.node} ${key}` }),
      ...(ttlMs !== undefined && { ttlMs }),
    };
  }

  private common({ spec }: KnownRoute, message: RoutedMessage): Pick<NewMessage, 'at' | 'body' | 'ttlMs'> {
    const { ttlSeconds } = spec;
    return {
      ...{ at: message.at, body: encodeRouted(message) },
      ...(ttlSeconds !== undefined && { ttlMs: ttlSeconds * 1000 }),
    };
  }

  /** A message for a broker or a service goes through a lane of its node. */
  private laneOf({ uid, spec }: KnownRoute, from: Lane['from'], message: RoutedMessage): Lane {
    const { node } = spec.target;
    if (node === undefined) return { from, uid };
    return { from, uid, node: nodeName(fill(node, message.vars)) };
  }
}

function noSuchRoute(project: string): EdgeError {
  return new EdgeError('not_found', `There is no such route in project "${project}".`);
}

/** Why a message is not taken: `overloaded` when it may be later. */
function refusalOf(error: unknown): EdgeError {
  if (!(error instanceof OutboxRefusal)) return toEdgeError(error);
  return new EdgeError(error.code === 'too_large' ? 'body_too_large' : 'overloaded', error.message, { cause: error });
}

/** A node speaks for itself only. */
function trusted(message: RoutedMessage, { project, node }: NodeRef): RoutedMessage {
  return { ...message, node, vars: { ...message.vars, project, node } };
}

/** What is kept in order; see `routeSpec.order`. */
function keyOf({ spec }: KnownRoute, { id, topic, device }: RoutedMessage): string | undefined {
  switch (spec.order) {
    case 'route':
      return undefined;
    case 'topic':
      return topic;
    case 'device':
      return device ?? topic;
    case 'none':
      return id;
  }
}

function nodeName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new EdgeError('bad_request', `"${text.slice(0, 80)}" is no name of a node.`);
}
