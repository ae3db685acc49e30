import { z } from 'zod';
import { appSpec } from './apps.js';
import { clientSpec } from './clients.js';
import { deviceModelSpec, deviceSpec } from './devices.js';
import { labels } from './labels.js';
import { name } from './ids.js';
import { endpointSpec } from './message-endpoints.js';
import { nodeSpec } from './nodes.js';
import { routeSpec } from './routes.js';
import { secretSpec } from './secrets.js';

const head = { name, labels: labels.default({}), project: name.optional() };

/** One document of a manifest file, told apart by `kind`. */
export const manifest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('App'), ...head, spec: appSpec }),
  z.strictObject({ kind: z.literal('Secret'), ...head, spec: secretSpec }),
  z.strictObject({ kind: z.literal('Node'), ...head, spec: nodeSpec.prefault({}) }),
  z.strictObject({ kind: z.literal('DeviceModel'), ...head, spec: deviceModelSpec.prefault({}) }),
  z.strictObject({ kind: z.literal('Device'), ...head, spec: deviceSpec.prefault({}) }),
  z.strictObject({ kind: z.literal('Client'), ...head, spec: clientSpec.prefault({}) }),
  z.strictObject({ kind: z.literal('Endpoint'), ...head, spec: endpointSpec }),
  z.strictObject({ kind: z.literal('Route'), ...head, spec: routeSpec }),
]);
export type Manifest = z.infer<typeof manifest>;
