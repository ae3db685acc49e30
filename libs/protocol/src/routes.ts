/** Routes: from any endpoint to any endpoint. */
import { z } from 'zod';
import { placement } from './apps.js';
import { counter } from './bounds.js';
import { name, timestamp } from './ids.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';
import { MAX_TOPIC } from './topics.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const DAY_SECONDS = 86_400;

/** Largest payload that a route carries, bytes. */
export const MAX_ROUTED_PAYLOAD = 512 * KIB;
/** Largest payload that an expression looks into, bytes: others do not pass a filter or transform. */
export const MAX_EXPRESSION_PAYLOAD = 64 * KIB;
/** Routes of one node, and of one project. */
export const MAX_NODE_ROUTES = 256;
export const MAX_PROJECT_ROUTES = 1000;

// ---- where messages come from ----

/**
 * A topic filter on the broker of the named nodes, of all nodes of the project when none is named. `user/…` is short for
 * `{project}/nodes/{node}/user/…`.
 */
export const edgeSource = z.strictObject({
  endpoint: z.literal('edge'),
  topic: z.string().min(1).max(MAX_TOPIC),
  nodes: placement.optional(),
});

export const httpMethod = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Requests to `/gateway/{project}` and this path, in which `{name}` stands for one segment and `{name...}`, at the end, for the rest. */
export const restSource = z.strictObject({
  endpoint: z.literal('rest'),
  path: z.string().startsWith('/', 'the path begins with /').max(1024),
  methods: z.array(httpMethod).min(1).default(['POST']),
});

/** What happens on the hub, as CloudEvents. A type ends in `*` to stand for all that begin so. */
export const eventType = z.enum([
  'node.*',
  'node.online',
  'node.offline',
  'app.*',
  'app.created',
  'app.updated',
  'app.deleted',
  'instance.*',
  'instance.changed',
  'device.*',
  'device.created',
  'device.updated',
  'device.deleted',
  'device.online',
  'device.offline',
]);
export type EventType = z.infer<typeof eventType>;
export const eventsSource = z.strictObject({ endpoint: z.literal('events'), types: z.array(eventType).min(1).max(32) });

export const routeSource = z.discriminatedUnion('endpoint', [edgeSource, restSource, eventsSource]);
export type RouteSource = z.infer<typeof routeSource>;

// ---- where they go ----

/**
 * `topic`, `path` and `node` may hold variables: `{topic}` the whole topic, `{rest}` what `#` or `{name...}` stood for, `{1}`, `{2}` … what
 * each `+` stood for, `{name}` a capture of the path, `{node}` and `{device}` who sent it, `{project}`.
 */
export const routeTarget = z.strictObject({
  /** `edge`, `live`, or the name of an endpoint of this project. */
  endpoint: name,
  topic: z.string().min(1).max(MAX_TOPIC).optional(),
  path: z.string().startsWith('/', 'the path begins with /').max(1024).optional(),
  /** For `edge` and services: on which node. The node that the message came from, when absent. */
  node: z.string().min(1).max(128).optional(),
  qos: z.union([z.literal(0), z.literal(1)]).optional(),
  retain: z.boolean().optional(),
});
export type RouteTarget = z.infer<typeof routeTarget>;

// ---- what happens on the way ----

export const expressionText = z.string().min(1).max(2048);

export const routeSpec = z.strictObject({
  source: routeSource,
  target: routeTarget,
  /** A CEL expression over `payload`, `topic`, `node`, `device`, `time`: only messages for which it is true go on. */
  filter: expressionText.optional(),
  /** A CEL expression whose value, as JSON, becomes the payload. */
  transform: expressionText.optional(),
  /** `active` · `paused`: messages are taken and kept, not delivered · `stopped`: none are taken. */
  state: z.enum(['active', 'paused', 'stopped']).default('active'),
  /** Higher goes first, and is dropped last. */
  priority: z.int().min(0).max(9).default(5),
  /** Of no use after so many seconds. */
  ttlSeconds: z
    .int()
    .min(1)
    .max(365 * DAY_SECONDS)
    .optional(),
  /** Messages of what kind keep their order: all of one topic, of one device, of the whole route, or none. */
  order: z.enum(['topic', 'device', 'route', 'none']).default('topic'),
  /** Most messages per second that reach the target. */
  rate: z.strictObject({ perSecond: z.number().positive().max(1_000_000) }).optional(),
  batch: z.strictObject({ messages: z.int().min(1).max(1000).default(100) }).prefault({}),
  retry: z
    .strictObject({
      /** A message that failed so often is a dead letter. */
      tries: z.int().min(1).max(1000).default(10),
      minSeconds: z.number().min(0.1).max(3600).default(1),
      maxSeconds: z.number().min(0.1).max(86_400).default(300),
    })
    .prefault({}),
  budget: z
    .strictObject({
      bytes: z
        .int()
        .min(64 * KIB)
        .max(64 * 1024 * MIB)
        .default(256 * MIB),
      ageSeconds: z
        .int()
        .min(1)
        .max(365 * DAY_SECONDS)
        .default(7 * DAY_SECONDS),
      whenFull: z.enum(['drop-oldest', 'refuse']).default('drop-oldest'),
    })
    .prefault({}),
});
export type RouteSpec = z.infer<typeof routeSpec>;

// ---- how it goes ----

/** Why messages were dropped, and when; `node` absent: at the hub. */
export const routeDrop = z.object({
  node: name.optional(),
  reason: z.string().max(32),
  count: counter,
  from: timestamp,
  to: timestamp,
});
export type RouteDrop = z.infer<typeof routeDrop>;

export const routeError = z.object({ at: timestamp, node: name.optional(), detail: z.string() });
export type RouteError = z.infer<typeof routeError>;

/** Bounds of the latency buckets, milliseconds; the last bucket has no upper bound. */
export const LATENCY_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000, 300_000, 3_600_000] as const;

export const routeStats = z.object({
  /** Messages that the route took, that its target has, that its filter left out, and tries that failed. */
  taken: counter,
  forwarded: counter,
  filtered: counter,
  failed: counter,
  /** Bytes of payload that its target has. */
  bytes: counter,
  dropped: z.array(routeDrop),
  backlog: z.object({ count: counter, bytes: counter, oldestSeconds: z.number().optional() }),
  dead: counter,
  /** From the source to the target; one count more than `LATENCY_MS` has bounds. */
  latency: z.object({ buckets: z.array(counter), p50Ms: z.number().optional(), p99Ms: z.number().optional() }),
  errors: z.array(routeError),
});
export type RouteStats = z.infer<typeof routeStats>;

export const routeStatus = z.object({
  state: z.enum(['active', 'paused', 'stopped', 'failing']),
  /** What the target said, when it is failing. */
  detail: z.string(),
  stats: routeStats,
});
export type RouteStatus = z.infer<typeof routeStatus>;
export const route = resource(routeSpec, routeStatus);
export type Route = z.infer<typeof route>;
export const routeWrite = write(routeSpec);
export const routeList = listQuery;
export const routePatch = mergePatch;
export const routePage = page(route);

/**
 * A message as the live feed of a route shows it. `payload` is Base64, cut to 16 KiB; `size` is that of the whole. `missed`: so many
 * messages came before it that this reader was too slow for.
 */
export const liveMessage = z.object({
  id: z.string(),
  at: timestamp,
  topic: z.string(),
  node: name.optional(),
  device: z.string().optional(),
  contentType: z.string().optional(),
  size: counter,
  payload: z.string(),
  missed: counter.optional(),
});
export type LiveMessage = z.infer<typeof liveMessage>;

/** A message that was given up. `payload` is Base64, cut to 4 KiB. */
export const deadLetter = z.object({
  id: z.string(),
  /** Absent: it lies at the hub. */
  node: name.optional(),
  at: timestamp,
  topic: z.string(),
  code: z.string(),
  detail: z.string(),
  size: counter,
  payload: z.string(),
});
export type RouteDeadLetter = z.infer<typeof deadLetter>;
export const deadLetterPage = page(deadLetter);
/** `ids`: those that are sent again, or thrown away; all of the route when absent. */
export const deadLetterChoice = z.strictObject({ ids: z.array(z.string().max(64)).max(1000).optional() });
export const deadLetterCount = z.object({ count: counter });
