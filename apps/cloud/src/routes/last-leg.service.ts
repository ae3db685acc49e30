import { Injectable } from '@nestjs/common';
import { Away, type Outcome, type Taken } from '@selvage/outbox';
import { BUILT_IN_ENDPOINTS, deliverAnswer, type DeliverCall, EdgeError, toEdgeError } from '@selvage/protocol';
import { fill } from '@selvage/routes';
import { decodeRouted } from '@selvage/wire';
import { systemClock } from '@selvage/reconcile';
import { Connections, type Outgoing, type Target } from '../endpoints/endpoints.module.js';
import { RouteCounts } from './counts.service.js';
import { HubOutbox } from './hub-outbox.service.js';
import type { KnownRoute } from './known-routes.service.js';
import { laneName, type Lane, stateName } from './lanes.rules.js';
import { LiveRoutes } from './live-routes.service.js';
import { NodeCalls } from './node-calls.service.js';
import { longTopic } from './routes.rules.js';
import { Services } from './services.service.js';

interface Ready {
  readonly outgoing: Outgoing;
  readonly taken: Taken;
}

/** Delivers messages of a lane to where their route leads, and counts what becomes of them. */
@Injectable()
export class LastLeg {
  constructor(
    private readonly connections: Connections,
    private readonly nodes: NodeCalls,
    private readonly live: LiveRoutes,
    private readonly hub: HubOutbox,
    private readonly counts: RouteCounts,
    private readonly services: Services,
  ) {}

  /** How full its target wants batches to be; undefined when that is all the same, or nobody knows yet. */
  async gather(route: KnownRoute, { node }: Lane): Promise<Target['gather']> {
    const { project, spec } = route;
    if (node !== undefined || BUILT_IN_ENDPOINTS.some((one) => one === spec.target.endpoint)) return undefined;
    try {
      return (await this.connections.to(project, spec.target.endpoint)).gather;
    } catch (error) {
      // Its messages meet the same, and say so to whoever looks at the route.
      this.connections.went(project, stateName(route), toEdgeError(error).detail);
      return undefined;
    }
  }

  /** See `Pump`. */
  async deliver(
    route: KnownRoute,
    lane: Lane,
    batch: readonly Taken[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = batch.map(() => ({ is: 'waits' }));
    const ready: Ready[] = [];
    for (const [index, taken] of batch.entries()) {
      try {
        ready.push({ outgoing: outgoingOf(route, lane, taken), taken });
      } catch (error) {
        const { code, detail } = toEdgeError(error);
        this.counts.failed(route.uid, detail);
        outcomes[index] = { is: 'rejected', code, detail };
      }
    }
    const came = ready.length === 0 ? [] : await this.hand(route, lane, ready, signal);
    for (const [index, { taken }] of ready.entries()) outcomes[batch.indexOf(taken)] = came[index] ?? { is: 'waits' };
    this.count(route, ready, came);
    return outcomes;
  }

  private async hand(
    route: KnownRoute,
    lane: Lane,
    ready: readonly Ready[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const { project } = route;
    try {
      const outcomes = await this.byKind(route, lane, ready, signal);
      this.connections.went(project, stateName(route), failureIn(outcomes));
      return outcomes;
    } catch (cause) {
      if (signal.aborted) throw cause;
      const detail = cause instanceof Away ? cause.message : toEdgeError(cause).detail || String(cause);
      this.connections.went(project, stateName(route), detail);
      this.counts.failed(route.uid, detail);
      throw cause;
    }
  }

  private async byKind(
    route: KnownRoute,
    lane: Lane,
    ready: readonly Ready[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const { endpoint } = route.spec.target;
    if (endpoint === 'live') {
      for (const { outgoing } of ready) this.live.tell(route.uid, outgoing.message);
      return ready.map(() => ({ is: 'delivered' }));
    }
    if (endpoint === 'edge') return this.toBroker(route, lane, ready, signal);
    const batch = ready.map(({ outgoing }) => outgoing);
    if (lane.node !== undefined) return this.services.post(route, lane.node, batch, signal);
    return (await this.connections.to(route.project, endpoint)).deliver(batch, signal);
  }

  /** The node publishes them on its broker, each once, and says so. */
  private async toBroker(
    route: KnownRoute,
    lane: Lane,
    ready: readonly Ready[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const { qos = 1, retain = false } = route.spec.target;
    const params: DeliverCall = {
      epoch: this.hub.outbox.epoch,
      lane: laneName(lane),
      items: ready.map(({ outgoing: { seq, topic = '', message } }) => {
        const { payload, device, traceparent, hops } = message;
        return {
          ...{ seq, topic, payload, qos, retain },
          ...(device !== undefined && { device }),
          ...(traceparent !== undefined && { traceparent }),
          ...(hops !== undefined && { hops }),
        };
      }),
    };
    const node = { project: route.project, node: lane.node ?? '' };
    const { outcomes } = await this.nodes.json(
      node,
      { method: 'route.deliver', params, answer: deliverAnswer },
      signal,
    );
    if (outcomes.length !== ready.length) throw new EdgeError('bad_request', 'The node answered for other messages.');
    return outcomes;
  }

  private count({ uid }: KnownRoute, ready: readonly Ready[], outcomes: readonly Outcome[]): void {
    const now = systemClock.now();
    for (const [index, outcome] of outcomes.entries()) {
      const message = ready[index]?.outgoing.message;
      if (message === undefined) continue;
      if (outcome.is === 'delivered')
        this.counts.forwarded(uid, { bytes: message.payload.byteLength, tookMs: Math.max(0, now - message.at) });
      else if (outcome.is === 'failed' || outcome.is === 'rejected') this.counts.failed(uid, outcome.detail);
    }
  }
}

/** @throws EdgeError `bad_request` when the message does not have what the route's target names. */
function outgoingOf({ project, name, spec: { target } }: KnownRoute, lane: Lane, { seq, key, body }: Taken): Outgoing {
  const message = decodeRouted(body);
  const node = lane.node ?? message.node;
  const variables = { ...message.vars, ...(node !== undefined && { node }) };
  return {
    ...{ message, target, seq, key },
    topic: target.topic === undefined ? undefined : fill(longTopic(target.topic), variables),
    path: target.path === undefined ? undefined : fill(target.path, variables),
    route: { project, name },
  };
}

function failureIn(outcomes: readonly Outcome[]): string | undefined {
  return outcomes.flatMap((one) => (one.is === 'failed' ? [one.detail] : []))[0];
}
