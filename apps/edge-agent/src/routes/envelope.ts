import type { NewMessage } from '@selvage/outbox';
import type { DesiredRoute, RoutedMessage } from '@selvage/protocol';
import type { Captures } from '@selvage/routes';
import { encodeRouted } from '@selvage/wire';
import { laneOf } from './lanes.js';

/** A message that was published on the node's broker, by a client or by a route. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly at: number;
  readonly device?: string | undefined;
  readonly traceparent?: string | undefined;
  /** Uids of the routes that it went through. */
  readonly hops: readonly string[];
}

export interface Making {
  readonly uid: string;
  readonly captures: Captures;
  readonly node: { readonly project: string; readonly node: string };
  /** Makes UUIDs. */
  readonly newId: () => string;
}

/** An incoming message as a route carries it, with the payload that came. MQTT 3.1.1 has no place for a trace: it begins here. */
export function envelope(incoming: Incoming, { uid, captures, node, newId }: Making): RoutedMessage {
  const { topic, payload, at, device, hops } = incoming;
  const id = newId();
  const traceparent = incoming.traceparent ?? newTrace(newId);
  const named = device === undefined ? {} : { device };
  const vars = { ...captures, topic, node: node.node, project: node.project, id, ...named };
  return { id, topic, node: node.node, ...named, at: Math.round(at), traceparent, vars, hops: [...hops, uid], payload };
}

/** The message of a route's lane. */
export function laneMessage(
  route: Pick<DesiredRoute, 'uid' | 'order' | 'ttlSeconds'>,
  routed: RoutedMessage,
): NewMessage {
  const key = keyOf(route.order, routed);
  return {
    lane: laneOf(route.uid),
    body: encodeRouted(routed),
    at: routed.at,
    ...(key !== undefined && { key }),
    ...(route.ttlSeconds !== undefined && { ttlMs: route.ttlSeconds * 1000 }),
  };
}

/** Messages of one key keep their order; those without one keep it among themselves. */
function keyOf(order: DesiredRoute['order'], { topic, device, id }: RoutedMessage): string | undefined {
  if (order === 'topic') return topic;
  if (order === 'device') return device ?? '';
  return order === 'none' ? id : undefined;
}

/** W3C trace context: a trace that begins here, and is recorded. */
function newTrace(newId: () => string): string {
  const hex = (): string => newId().replaceAll('-', '');
  return `00-${hex()}-${hex().slice(-16)}-01`;
}
