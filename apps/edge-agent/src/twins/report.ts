/** What the hub is told of the twins: the latest of each key with the versions of both sides. */
import type { ReportedDevice, ReportedTwins, StoredKey, StoredTwin } from '@selvage/protocol';
import type { BoundDevice, Twin, TwinNode } from './twin-node.js';

/** Section `twins` of the reported state, whole. */
export function reportedTwins(node: TwinNode): ReportedTwins {
  return { devices: [...node.devices.values()].map(reportedDevice) };
}

/** One device of it, deleted keys included, so that the hub learns of a deletion. */
export function reportedDevice({ id, state, lastOnlineAt, twin }: BoundDevice): ReportedDevice {
  return { id, state, ...(lastOnlineAt !== undefined && { lastOnlineAt }), twin: Object.fromEntries(twin) };
}

/** A twin as it was stored. */
export function twinFrom(stored: StoredTwin): Twin {
  return new Map<string, StoredKey>(Object.entries(stored));
}
