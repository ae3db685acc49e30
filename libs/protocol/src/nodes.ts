import { z } from 'zod';
import { text } from './bounds.js';
import { brokerLimits, desiredBroker } from './brokers.js';
import { name, timestamp } from './ids.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';

const { tls, webSocket, plain } = desiredBroker.shape;
/** The MQTT broker of a node; what is not said has its default. Unknown keys are refused, in contrast to what agents do. */
const brokerSpec = z.strictObject({
  ...desiredBroker.shape,
  limits: brokerLimits.strict().prefault({}),
  tls: tls.unwrap().strict().prefault({}),
  webSocket: webSocket.unwrap().strict().prefault({}),
  plain: plain.unwrap().strict().prefault({}),
});

/** What an operator says about a node. A disabled node is not connected to; what runs on it goes on running. */
export const nodeSpec = z.strictObject({
  enabled: z.boolean().default(true),
  description: z.string().max(255).default(''),
  broker: brokerSpec.optional(),
});
export type NodeSpec = z.infer<typeof nodeSpec>;

/** Docker engine as the agent sees it. `reason` says why it does not answer. */
export const engine = z.object({
  state: z.enum(['ready', 'missing', 'not_answering']),
  version: text(255).optional(),
  apiVersion: text(255).optional(),
  storageDriver: text(255).optional(),
  reason: text(4096).optional(),
});
export type Engine = z.infer<typeof engine>;

/** A graphics or neural processor. `memoryBytes` is absent where the driver does not tell. */
export const gpu = z.object({
  vendor: text(64),
  model: text(255),
  memoryBytes: z.number().nonnegative().optional(),
  driver: text(64).optional(),
});
export type Gpu = z.infer<typeof gpu>;

/** Facts that a node reports about its machine. Sizes are bytes, as the kernel counts them. */
export const nodeFacts = z.object({
  hostname: text(255),
  arch: text(32),
  os: text(255),
  kernel: text(255),
  cpus: z.int().positive(),
  cpuModel: text(255),
  memoryBytes: z.number().nonnegative(),
  diskBytes: z.number().nonnegative(),
  diskFreeBytes: z.number().nonnegative(),
  addresses: z.array(text(64)).max(64),
  gpus: z.array(gpu).max(64),
  docker: engine,
  mountAllowList: z.array(text(4096)).max(64),
  agentVersion: text(64),
  bootedAt: timestamp,
});
export type NodeFacts = z.infer<typeof nodeFacts>;

export const nodeState = z.enum(['never_joined', 'ready', 'offline', 'disabled']);
export type NodeState = z.infer<typeof nodeState>;

export const nodeStatus = z.object({
  state: nodeState,
  /** Why the node is not ready, in words; absent when it is. */
  reason: z.string().optional(),
  lastSeenAt: timestamp.optional(),
  joinedAt: timestamp.optional(),
  /** Whole days until the newest certificate expires; negative when it has. */
  certificateDaysLeft: z.int().optional(),
  facts: nodeFacts.optional(),
  /** Revision of the desired state that the hub wants on the node, and the one the node has stored. */
  desiredRevision: z.int().optional(),
  storedRevision: z.int().optional(),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

export const node = resource(nodeSpec, nodeStatus);
export type Node = z.infer<typeof node>;
export const nodeWrite = write(nodeSpec);
export const nodePage = page(node);
export const nodePatch = mergePatch;
export const nodeList = listQuery.extend({ state: nodeState.optional() });

/** Asks for a join token; the node is created when it does not exist yet. */
export const joinTokenRequest = z.strictObject({
  /** Lifetime of the token in seconds: one hour unless said, thirty days at most. */
  ttlSeconds: z
    .int('is a whole number of seconds')
    .min(60, 'one minute at least (60)')
    .max(2_592_000, '30 days at most (2592000)')
    .default(3600),
  labels: z.record(z.string(), z.string()).optional(),
});
export const joinToken = z.object({
  token: z.string(),
  hubUrl: z.string(),
  /** The line to run on the machine that joins. */
  command: z.string(),
  expiresAt: timestamp,
});
export type JoinToken = z.infer<typeof joinToken>;

/** The parts of a join token: `selvage1.<project>.<node>.<secret>.<SHA-256 of the root CA's DER>`, the last two base64url. */
export const joinTokenText = z
  .string()
  .max(512)
  .regex(/^selvage1\.[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/, 'not a join token')
  .transform((text) => {
    const [, project = '', node = '', secret = '', caSha256 = ''] = text.split('.');
    return { project, node, secret, caSha256 };
  });
export type JoinTokenParts = z.infer<typeof joinTokenText>;

/** The node section of a node's desired state: what the hub tells the agent about the node itself. */
export const desiredNode = z.object({ project: name, node: name, enabled: z.boolean() });
export type DesiredNode = z.infer<typeof desiredNode>;
