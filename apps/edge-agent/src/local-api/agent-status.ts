import { engine, instance, nodeRef, timestamp } from '@selvage/protocol';
import { z } from 'zod';

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
});
export type AgentStatus = z.infer<typeof agentStatus>;
