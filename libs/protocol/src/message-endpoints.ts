/** Where messages of routes come from and go to. Built in: `edge`, `rest`, `live`, `events`; all others are made by users. */
import { z } from 'zod';
import { name, timestamp } from './ids.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';

/** Endpoints that are always there and that nobody may make: broker of a node, the hub's gateway, its live feed, its own events. */
export const BUILT_IN_ENDPOINTS = ['edge', 'rest', 'live', 'events'] as const;

const port = z.int().min(1).max(65_535);
const hostPort = z
  .string()
  .max(255)
  .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'host:port');
const host = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9._:-]+$/, 'a host name or an address');
const seconds = z.int().min(1).max(300);
/** Certificates in PEM that are trusted instead of those of the machine. */
const ca = z.string().max(65_536).startsWith('-----BEGIN CERTIFICATE-----', 'certificates in PEM').optional();
/** Secret of type `data` with what the other side asks for; which properties it needs, each kind says. */
const secret = name.optional();

function url(...schemes: string[]) {
  return z
    .string()
    .max(2048)
    .superRefine((text, context) => {
      const message = urlProblem(text, schemes);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });
}

function urlProblem(text: string, schemes: readonly string[]): string | undefined {
  if (!URL.canParse(text)) return 'not a URL';
  const { protocol, username, password } = new URL(text);
  if (!schemes.includes(protocol.slice(0, -1))) return `the URL begins with ${schemes.join(':// or ')}://`;
  return username === '' && password === '' ? undefined : 'put user name and password into a secret, not into the URL';
}

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'a header name');
const headerValue = z
  .string()
  .max(1024)
  .regex(/^[\t\x20-\x7e]*$/, 'a header value is visible ASCII');
const OURS = /^(host|content-length|transfer-encoding|connection|upgrade|content-type|webhook-.*|traceparent)$/i;
const headers = z
  .record(headerName, headerValue)
  .refine((all) => Object.keys(all).length <= 32, 'at most 32 headers')
  .refine((all) => !Object.keys(all).some((key) => OURS.test(key)), 'the platform sets this header itself');

/** HTTP on a port of the node itself: an app in a container, for instance. */
export const serviceEndpoint = z.strictObject({
  kind: z.literal('service'),
  port,
  timeoutSeconds: seconds.default(30),
});

/**
 * `POST` to a URL, signed as the Standard Webhooks specification says (headers `webhook-id`, `webhook-timestamp`, `webhook-signature`)
 * when its secret has a property `signing`. A property `authorization` becomes the header of that name.
 */
export const webhookEndpoint = z.strictObject({
  kind: z.literal('webhook'),
  url: url('https', 'http'),
  headers: headers.default({}),
  secret,
  ca,
  timeoutSeconds: seconds.default(30),
});

/** A Kafka cluster. Properties of its secret: `username`, `password`. `topic`: for routes that name none. */
export const kafkaEndpoint = z.strictObject({
  kind: z.literal('kafka'),
  brokers: z.array(hostPort).min(1).max(16),
  tls: z.boolean().default(true),
  ca,
  sasl: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  secret,
  topic: z.string().max(249).optional(),
});

/** Another MQTT broker. Properties of its secret: `username` and `password`, or `certificate` and `key` in PEM. */
export const mqttEndpoint = z.strictObject({
  kind: z.literal('mqtt'),
  url: url('mqtts', 'mqtt'),
  clientId: z.string().min(1).max(64).optional(),
  secret,
  ca,
});

/** NATS with JetStream: a message counts when the stream has stored it. Properties: `token`, or `username` and `password`. */
export const natsEndpoint = z.strictObject({
  kind: z.literal('nats'),
  servers: z.array(hostPort).min(1).max(16),
  tls: z.boolean().default(true),
  ca,
  secret,
  subject: z.string().max(255).optional(),
});

/** Objects in an S3-compatible store, many messages in each. Properties: `accessKeyId`, `secretAccessKey`. */
export const s3Endpoint = z.strictObject({
  kind: z.literal('s3'),
  url: url('https', 'http'),
  region: z.string().min(1).max(64).default('us-east-1'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket'),
  secret: name,
  ca,
  /** An object is written when so much has come, or so long after its first message. */
  objectBytes: z.int().min(1024).max(16_777_216).default(1_048_576),
  objectSeconds: z.int().min(1).max(3600).default(60),
});

/** Rows of a table in PostgreSQL. Properties: `username`, `password`. */
export const postgresEndpoint = z.strictObject({
  kind: z.literal('postgres'),
  host,
  port: port.default(5432),
  database: z.string().min(1).max(63),
  table: z.string().regex(/^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/, 'table or schema.table in lower case'),
  tls: z.boolean().default(true),
  ca,
  secret,
});

export const endpointSpec = z.discriminatedUnion('kind', [
  serviceEndpoint,
  webhookEndpoint,
  kafkaEndpoint,
  mqttEndpoint,
  natsEndpoint,
  s3Endpoint,
  postgresEndpoint,
]);
export type EndpointSpec = z.infer<typeof endpointSpec>;
export type EndpointKind = EndpointSpec['kind'];

/** Whether it can be reached now. */
export const endpointTest = z.object({ ok: z.boolean(), detail: z.string(), tookMs: z.number() });
export type EndpointTest = z.infer<typeof endpointTest>;

export const endpointStatus = z.object({
  /** Routes to it. */
  usedBy: z.array(name),
  /** How the last delivery went; `idle` when there was none since the hub started. */
  state: z.enum(['idle', 'working', 'failing']),
  detail: z.string(),
  since: timestamp.optional(),
});
export type EndpointStatus = z.infer<typeof endpointStatus>;
export const messageEndpoint = resource(endpointSpec, endpointStatus);
export type MessageEndpoint = z.infer<typeof messageEndpoint>;
export const endpointWrite = write(endpointSpec);
export const endpointList = listQuery;
export const endpointPatch = mergePatch;
export const endpointPage = page(messageEndpoint);
