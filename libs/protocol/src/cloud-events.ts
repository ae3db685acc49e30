/** What happens on the hub, as routes whose source is `events` carry it [CloudEvents 1.0, JSON format]. */
import { z } from 'zod';
import { timestamp } from './ids.js';

/** Before the type that the route names: `io.selvage.node.online`. */
export const EVENT_PREFIX = 'io.selvage.';
export const EVENT_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

export const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string(),
  /** `/projects/{project}/nodes/{node}`, or without a node `/projects/{project}`. */
  source: z.string(),
  type: z.string().startsWith(EVENT_PREFIX),
  /** Name of the node, app or device. */
  subject: z.string(),
  time: timestamp,
  datacontenttype: z.literal('application/json'),
  data: z.record(z.string(), z.unknown()),
});
export type CloudEvent = z.infer<typeof cloudEvent>;
