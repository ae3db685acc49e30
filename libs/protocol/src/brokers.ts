/** The node's MQTT broker: where it listens, and what one client may cost and all together. */
import { z } from 'zod';
import { few } from './bounds.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Every limit can be set, is counted when it is met, and shown. */
export const brokerLimits = z.object({
  /** Largest packet, bytes. */
  packetBytes: z
    .int()
    .min(1024)
    .max(64 * MIB)
    .default(MIB),
  connections: z.int().min(1).max(100_000).default(10_000),
  /** New connections per second, over all listeners. */
  connectsPerSecond: z.number().positive().default(500),
  subscriptions: z.int().min(1).default(1_000),
  topicLevels: z.int().min(1).max(100).default(32),
  topicBytes: z.int().min(16).max(65_535).default(1_024),
  /** Messages of one client that are under way: those it took and did not acknowledge, and its QoS 2 messages without PUBREL. */
  inflight: z.int().min(1).max(60_000).default(1_000),
  /** Bytes that wait to be read by one client. */
  unreadBytes: z
    .int()
    .min(64 * KIB)
    .default(4 * MIB),
  /** A client that reads nothing for so long is cut off, milliseconds. */
  frozenMs: z.int().min(1_000).default(5_000),
  /** Messages and bytes that wait for one client that is away; the oldest gives way. */
  queueMessages: z.int().min(1).default(10_000),
  queueBytes: z
    .int()
    .min(64 * KIB)
    .default(16 * MIB),
  /** Bytes that wait for all clients together; whoever has more than an equal share gives way. */
  queueTotalBytes: z
    .int()
    .min(MIB)
    .default(256 * MIB),
  retained: z.int().min(0).default(10_000),
  retainedBytes: z
    .int()
    .min(0)
    .default(64 * MIB),
  /** Sessions that are kept for clients that are away. */
  sessions: z.int().min(1).default(10_000),
  /** The same for one device or app client, whatever client ids it uses. */
  sessionsPerClient: z.int().min(1).default(16),
});
export type BrokerLimits = z.infer<typeof brokerLimits>;

const port = z.int().min(0).max(65_535);

/**
 * A listener with TLS. Without `clientCertificates` its clients need a certificate, except while the node has logins: then a user name
 * and password do as well. With `none` it does not ask for one, as browsers want it, and user name and password are needed.
 */
const tlsListener = z.object({
  enabled: z.boolean().default(true),
  host: z.string().min(1).max(255).default('0.0.0.0'),
  clientCertificates: z.enum(['required', 'optional', 'none']).optional(),
});
export const MQTT_PORT = 8883;
export const MQTT_WEBSOCKET_PORT = 8884;
export const MQTT_PLAIN_PORT = 1883;

/** Section `broker`: everything has a default, so that a node without it has a broker too. */
export const desiredBroker = z.object({
  limits: brokerLimits.prefault({}),
  tls: tlsListener.extend({ port: port.default(MQTT_PORT) }).prefault({}),
  webSocket: tlsListener.extend({ port: port.default(MQTT_WEBSOCKET_PORT) }).prefault({}),
  /** It is opened only where the node's owner wants it. */
  plain: z
    .object({ host: z.enum(['127.0.0.1', '::1']).default('127.0.0.1'), port: port.default(MQTT_PLAIN_PORT) })
    .prefault({}),
  /** Whether programs on the node need no user name at the plain listener. */
  anonymousLoopback: z.boolean().default(true),
});
export type DesiredBroker = z.infer<typeof desiredBroker>;

// ---- how a broker stands now: the answer of a node to the call `broker` ----

/** Most clients that are listed; `clientCount` counts them all. */
export const MAX_SHOWN_CLIENTS = 1_000;

const count = z.number().nonnegative();
/** The longest client id of MQTT, and what stands before it. */
const MAX_ID = 66_000;

export const brokerClient = z.object({
  /** `kind/identity/client id`. */
  id: z.string().max(MAX_ID),
  kind: z.string().max(64),
  listener: z.string().max(64),
  /** Its session ends with its connection. */
  clean: z.boolean(),
  subscriptions: z.array(z.string().max(65_535)).max(1_000),
  /** Bytes that it has not read yet. */
  unreadBytes: count,
});
export type BrokerClient = z.infer<typeof brokerClient>;

export const brokerShown = z.object({
  listeners: z
    .array(
      z.object({
        kind: z.string().max(64),
        host: z.string().max(255),
        port: z.int(),
        listening: z.boolean(),
        problem: z.string().max(4096).optional(),
      }),
    )
    .max(64),
  clientCount: z.int().nonnegative(),
  clients: z.array(brokerClient).max(MAX_SHOWN_CLIENTS),
  /** What was counted since the agent started, by a word each. */
  counters: few(z.record(z.string().max(64), count), 1_000),
  sessions: z.object({ count, subscriptions: count, messages: count, bytes: count }),
  retained: z.object({ count, bytes: count }),
  /** Messages per second. */
  rates: z.object({ received: count, sent: count }),
});
export type BrokerShown = z.infer<typeof brokerShown>;
