/** What hub and agents say to each other about routes. */
import { z } from 'zod';
import { counter, few, text, word } from './bounds.js';
import { name, timestamp } from './ids.js';
import { deadLetter, httpMethod, LATENCY_MS, MAX_NODE_ROUTES, routeDrop, routeSpec } from './routes.js';
import { MAX_TOPIC } from './topics.js';

// ---- desired: section `routes` of a node's desired state ----

/** What a node does with what it took: sends it to the hub, publishes it on its own broker, or calls a service of its own. */
export const desiredTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hub') }),
  z.object({
    kind: z.literal('edge'),
    topic: z.string(),
    qos: z.union([z.literal(0), z.literal(1)]),
    retain: z.boolean(),
  }),
  z.object({ kind: z.literal('service'), port: z.int(), path: z.string(), timeoutSeconds: z.int() }),
]);
export type DesiredTarget = z.infer<typeof desiredTarget>;

export const desiredRoute = z.object({
  /** Names the route for ever; its lane is `routes/{uid}`. */
  uid: word(64),
  name,
  /** Whole topic filter. */
  topic: z.string(),
  target: desiredTarget,
  /** Endpoint it leads to: of two routes of a group that a topic fits, only the one with the more exact filter takes a message. */
  group: z.string(),
  ...routeSpec.pick({
    filter: true,
    transform: true,
    state: true,
    priority: true,
    ttlSeconds: true,
    order: true,
    rate: true,
    batch: true,
    retry: true,
    budget: true,
  }).shape,
});
export type DesiredRoute = z.infer<typeof desiredRoute>;

/** `services`: ports that the hub may call for its own routes. */
export const desiredRoutes = z.object({
  routes: z.array(desiredRoute).max(MAX_NODE_ROUTES),
  services: z.array(z.int()).max(MAX_NODE_ROUTES).default([]),
});
export type DesiredRoutes = z.infer<typeof desiredRoutes>;

// ---- reported: section `routes` ----

/** Counts since the agent's files were made; `forwarded`, `bytes` and `latency` only of routes that end on the node. */
export const reportedRoute = z.object({
  uid: word(64),
  taken: counter,
  filtered: counter,
  failed: counter,
  forwarded: counter,
  bytes: counter,
  dead: counter,
  backlog: z.object({ count: counter, bytes: counter }),
  dropped: z.array(routeDrop.omit({ node: true })).max(16),
  latency: z.array(counter).max(LATENCY_MS.length + 1),
  errors: z.array(z.object({ at: timestamp, detail: text(500) })).max(5),
});
export type ReportedRoute = z.infer<typeof reportedRoute>;
export const reportedRoutes = z.object({ routes: z.array(reportedRoute).max(MAX_NODE_ROUTES) });
export type ReportedRoutes = z.infer<typeof reportedRoutes>;

// ---- a message on its way, inside the body of an outbox's message ----

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes');
/** Most routes that a message goes through, one after the other. */
export const MAX_HOPS = 16;
/** Uids of the routes that a message went through: none of them takes it again. */
const hops = z.array(word(64)).max(MAX_HOPS).optional();
export const routedMessage = z.object({
  /** Made anew for each message; what travels to its target as message id. */
  id: word(64),
  topic: text(MAX_TOPIC),
  node: name.optional(),
  device: z.string().max(64).optional(),
  /** When it came into being, epoch milliseconds. */
  at: z.int(),
  traceparent: z.string().max(64).optional(),
  contentType: z.string().max(128).optional(),
  /** Variables for the target's templates. */
  vars: few(z.record(z.string().max(64), text(MAX_TOPIC)), 64),
  hops,
  payload: bytes,
});
export type RoutedMessage = z.infer<typeof routedMessage>;

/**
 * Call `route.deliver`: messages for the broker of a node. The answer is one outcome per message, as JSON. `device`, `traceparent` and
 * `hops` are those of the routed message, for routes of the node that take what is published.
 */
export const deliverCall = z.object({
  /** Names the hub's outbox. */
  epoch: word(64),
  lane: word(128),
  items: z
    .array(
      z.object({
        seq: counter.positive(),
        topic: text(MAX_TOPIC),
        payload: bytes,
        qos: z.union([z.literal(0), z.literal(1)]),
        retain: z.boolean(),
        device: z.string().max(64).optional(),
        traceparent: z.string().max(64).optional(),
        hops,
      }),
    )
    .min(1)
    .max(1000),
});
export type DeliverCall = z.infer<typeof deliverCall>;
export const deliverOutcome = z.discriminatedUnion('is', [
  z.object({ is: z.literal('delivered') }),
  z.object({ is: z.enum(['failed', 'rejected']), code: z.string().max(64), detail: z.string().max(1024) }),
]);
export type DeliverOutcome = z.infer<typeof deliverOutcome>;
export const deliverAnswer = z.object({ outcomes: z.array(deliverOutcome).max(1000) });
export type DeliverAnswer = z.infer<typeof deliverAnswer>;

/** Call `route.request`: one HTTP request to a service of the node. The answer's first chunk is its head as JSON and a newline. */
export const requestCall = z.object({
  port: z.int().min(1).max(65_535),
  method: httpMethod,
  path: z.string().startsWith('/').max(4096),
  headers: z.array(z.tuple([z.string().max(256), z.string().max(8192)])).max(100),
  body: bytes,
  timeoutMs: z.int().min(1).max(300_000),
});
export type RequestCall = z.infer<typeof requestCall>;
export const requestHead = z.object({
  status: z.int().min(100).max(999),
  headers: z.array(z.tuple([z.string().max(256), z.string().max(8192)])).max(200),
});
export type RequestHead = z.infer<typeof requestHead>;

/**
 * Call `route.dead`: dead letters of a route that lie at a node, those with a `seq` above `after`, in its order. The answer is JSON, with
 * no more than fit into 1 MiB; none: there are no more.
 */
export const deadCall = z.object({ uid: word(64), after: counter.default(0), limit: z.int().min(1).max(1000) });
export const deadAnswer = z.object({
  letters: z.array(deadLetter.omit({ id: true, node: true }).extend({ seq: counter })).max(1000),
});
export type DeadAnswer = z.infer<typeof deadAnswer>;
/** Calls `route.revive`, `route.discard`; all of the route when no `seqs` are given. The answer is a `deadLetterCount`, as JSON. */
export const deadChoiceCall = z.object({ uid: word(64), seqs: z.array(counter).max(1000).optional() });
