import { engine, instance, nodeRef, timestamp } from '@selvage/protocol';
import { z } from 'zod';

/** The broker of the node: what it listens to and how much there is of everything. */
export const brokerFigures = z.object({
  listeners: z.array(
    z.object({
      kind: z.enum(['tls', 'webSocket', 'plain']),
      host: z.string(),
      port: z.int(),
      listening: z.boolean(),
      problem: z.string().optional(),
    }),
  ),
  clients: z.int(),
  sessions: z.object({ count: z.int(), subscriptions: z.int(), messages: z.int(), bytes: z.int() }),
  retained: z.object({ count: z.int(), bytes: z.int() }),
  /** Messages per second. */
  rates: z.object({ received: z.number(), sent: z.number() }),
  /** How often each thing happened since the agent started, by a word each. */
  counters: z.record(z.string(), z.int()),
});

/** How a route of this node does; counts since the agent's files were made. */
export const routeFigures = z.object({
  name: z.string(),
  state: z.enum(['active', 'paused', 'stopped']),
  taken: z.int(),
  filtered: z.int(),
  failed: z.int(),
  /** Messages that wait, their bytes, and those that were given up. */
  waiting: z.int(),
  bytes: z.int(),
  dead: z.int(),
  dropped: z.int(),
});
export type RouteFigures = z.infer<typeof routeFigures>;

/** What the agent says about itself to whoever asks on this machine. */
export const agentStatus = z.object({
  agentVersion: z.string(),
  nodeVersion: z.string(),
  startedAt: timestamp,
  node: nodeRef,
  hub: z.object({
    url: z.string(),
    state: z.enum(['connected', 'connecting', 'refused']),
    since: timestamp,
    reason: z.string().optional(),
  }),
  engine,
  certificate: z.object({
    serial: z.string(),
    notAfter: timestamp,
    daysLeft: z.int(),
    renewAt: timestamp,
    renewing: z.boolean(),
    failure: z.object({ code: z.string(), message: z.string() }).optional(),
  }),
  /** Absent until the hub sent a first desired state. */
  stored: z.object({ epoch: z.string(), revision: z.int() }).optional(),
  apps: z.array(instance),
  /** Agents before the first broker do not have it. */
  broker: brokerFigures.optional(),
  /** Agents before the first routes do not have it. */
  routes: z.array(routeFigures).optional(),
});
export type AgentStatus = z.infer<typeof agentStatus>;
