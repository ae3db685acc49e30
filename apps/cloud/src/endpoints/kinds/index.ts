import type { EndpointKind } from '@selvage/protocol';
import { kafka } from './kafka.js';
import type { Kind } from './kind.js';
import { mqtt } from './mqtt.js';
import { nats } from './nats.js';
import { postgres } from './postgres.js';
import { s3 } from './s3.js';
import { webhook } from './webhook.js';

/** Kinds whose last leg begins at the hub. A service is on a node. */
export type HubKind = Exclude<EndpointKind, 'service'>;

/** Every kind by its name. */
export const KINDS: { readonly [K in HubKind]: Kind<K> } = { kafka, mqtt, nats, postgres, s3, webhook };

export type { Given, Kind, Outgoing, Target } from './kind.js';
export { aboutOf } from './about.js';
export { Reach } from './reach.js';
