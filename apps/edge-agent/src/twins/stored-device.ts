/** A bound device as one record on the disk, and back. */
import { deviceId, deviceProperty, msgAttribute, storedTwin, twinKey } from '@selvage/protocol';
import { z } from 'zod';
import { twinFrom } from './report.js';
import type { BoundDevice } from './twin-node.js';

const record = z.object({
  id: deviceId,
  name: z.string(),
  description: z.string(),
  state: z.string(),
  lastOnlineAt: z.int().optional(),
  isPresent: z.boolean().optional(),
  // The hub says both again; what another version of the agent wrote of them must not cost the twin.
  attributes: z.record(z.string(), msgAttribute).catch({}),
  properties: z.record(twinKey, deviceProperty).catch({}),
  twin: storedTwin,
});

/** Everything that is known of a device, as bytes. */
export function toRecord(device: BoundDevice): Buffer {
  const { attributes, properties, twin, ...head } = device;
  const maps = {
    attributes: Object.fromEntries(attributes),
    properties: Object.fromEntries(properties),
    twin: Object.fromEntries(twin),
  };
  return Buffer.from(JSON.stringify({ ...head, ...maps }), 'utf8');
}

/** The device of a record; undefined when the bytes are damaged, or those of another device. */
export function fromRecord(id: string, bytes: Uint8Array): BoundDevice | undefined {
  const read = record.safeParse(json(bytes));
  if (!read.success || read.data.id !== id) return undefined;
  const { name, description, state, lastOnlineAt, isPresent, attributes, properties, twin } = read.data;
  return {
    ...{ id, name, description, state },
    ...(lastOnlineAt !== undefined && { lastOnlineAt }),
    ...(isPresent !== undefined && { isPresent }),
    attributes: new Map(Object.entries(attributes)),
    properties: new Map(Object.entries(properties)),
    twin: twinFrom(twin),
  };
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
