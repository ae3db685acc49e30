import {
  type ClientCredentials,
  type DesiredDevice,
  type DeviceAccess,
  type DeviceModelSpec,
  type DeviceSpec,
  EdgeError,
} from '@selvage/protocol';

/** What a device says of itself, without who it is and where it belongs. */
export type OwnSpec = Omit<DeviceSpec, 'id' | 'model' | 'node'>;

/** What a device has: its own and what its model gives it. */
export type Merged = Pick<DesiredDevice, 'properties' | 'attributes' | 'visitors' | 'access'>;
export type Properties = Merged['properties'];

const MOST = [
  ['properties', 512],
  ['attributes', 128],
  ['visitors', 512],
] as const;
/** Bytes for the hashes of a device's credentials. */
const CREDENTIALS = 300;

/** A device's own part over that of its model, key by key. */
export function merged(own: OwnSpec, model: DeviceModelSpec | undefined): Merged {
  const access = accessOf(own.access, model?.protocol ?? 'custom');
  return {
    properties: { ...model?.properties, ...own.properties },
    attributes: { ...model?.attributes, ...own.attributes },
    visitors: { ...model?.visitors, ...own.visitors },
    ...(access !== undefined && { access }),
  };
}

/** A device as its node gets it. */
export function desiredDevice(
  { name, id, spec }: { readonly name: string; readonly id: string; readonly spec: OwnSpec },
  model: DeviceModelSpec | undefined,
  credentials: ClientCredentials,
): DesiredDevice {
  const { displayName, description, grants } = spec;
  return { id, name: displayName || name, description, ...merged(spec, model), credentials, grants };
}

/** Keys whose properties have another type than before; a property that came or went is not among them. */
export function retyped(before: Properties, after: Properties): string[] {
  const [old, now] = [before, after].map((all) => new Map(Object.entries(all)));
  return [...(old ?? [])].flatMap(([key, { type }]) => {
    const next = now?.get(key);
    return next !== undefined && next.type !== type ? [key] : [];
  });
}

/** Keys of the properties that are there no more. */
export function removed(before: Properties, after: Properties): string[] {
  return Object.keys(before).filter((key) => !Object.hasOwn(after, key));
}

/** @throws EdgeError `bad_request` when a device and its model together have more than a node takes. */
export function refuseTooMany(name: string, all: Merged): void {
  for (const [part, most] of MOST) {
    const count = Object.keys(all[part]).length;
    if (count > most)
      throw new EdgeError('bad_request', `Device "${name}" and its model have ${count} ${part}; at most ${most} fit.`);
  }
}

/** Bytes that a device takes in what its node is sent, with room for the hashes of its credentials. */
export function sizeOf(device: DesiredDevice): number {
  return Buffer.byteLength(JSON.stringify(device), 'utf8') + CREDENTIALS;
}

/** The protocol of the model is that of its devices, unless they say more than that it is custom. */
function accessOf(own: DeviceAccess | undefined, protocol: DeviceAccess['protocol']): DeviceAccess | undefined {
  if (own === undefined) return protocol === 'custom' ? undefined : { protocol, settings: {} };
  return own.protocol === 'custom' ? { ...own, protocol } : own;
}
