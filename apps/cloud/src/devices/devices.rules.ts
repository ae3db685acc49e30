import { isDeepStrictEqual } from 'node:util';
import {
  type DeviceSpec,
  type DeviceState,
  EdgeError,
  type Labels,
  MAX_NODE_DEVICES,
  stateOf,
} from '@selvage/protocol';
import type { OwnSpec } from './merged.rules.js';

/** Bytes that the devices of one node may take in what it is sent, expected values and apps on its broker included. */
export const MAX_DEVICES_BYTES = 3 * 1024 * 1024;

const SHOWN = 5;

/** The caller's part of a device. */
export interface DeviceWrite {
  readonly labels: Labels;
  readonly spec: DeviceSpec;
}

/** A device as it is kept. */
export interface StoredDevice {
  readonly name: string;
  readonly deviceId: string;
  readonly model: string | null;
  readonly node: string | null;
  readonly spec: OwnSpec;
}

/** A device's spec as the API shows it: the id only where it is not the name. */
export function shownSpec({ name, deviceId, model, node, spec }: StoredDevice): DeviceSpec {
  return {
    ...(deviceId !== name && { id: deviceId }),
    ...(model !== null && { model }),
    ...(node !== null && { node }),
    ...spec,
  };
}

/** A device's columns as a write would leave them. */
export function storedDevice(name: string, write: DeviceSpec): StoredDevice {
  const { id, model, node, ...spec } = write;
  return { name, deviceId: id ?? name, model: model ?? null, node: node ?? null, spec };
}

/** Whether labels and spec say the same on both sides. */
export function sameWrite(one: object, other: object): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

/** What is known of a device whose node is not connected is not known now. */
export function deviceState(reported: string | null, connected: boolean): DeviceState {
  return reported === null || !connected ? 'unknown' : stateOf(reported);
}

/** @throws EdgeError `bad_request` when a write would give a device another identity. */
export function refuseOtherId(before: StoredDevice | undefined, after: StoredDevice): void {
  if (before === undefined || before.deviceId === after.deviceId) return;
  throw new EdgeError(
    'bad_request',
    `spec.id: the id of device "${before.name}" is "${before.deviceId}" and cannot change; make another device instead.`,
  );
}

/** The refusal of a change of type: a node never changes the type of a key that has values. */
export function typeInUse(key: string, devices: readonly string[]): EdgeError {
  return new EdgeError(
    'in_use',
    `The type of property "${key}" cannot change while ${listed('device', devices)} ${devices.length === 1 ? 'has' : 'have'} it: ` +
      'remove the property first, or add one with another key.',
  );
}

/** The refusal to delete a model. */
export function modelInUse(name: string, devices: readonly string[]): EdgeError {
  return new EdgeError(
    'in_use',
    `Device model "${name}" is that of ${listed('device', devices)}; delete or change them first.`,
  );
}

/** @throws EdgeError `bad_request` when a node would have more than it takes. */
export function refuseFull(node: string, { bytes, devices }: { bytes: number; devices: number }): void {
  if (devices > MAX_NODE_DEVICES)
    throw new EdgeError(
      'bad_request',
      `Node "${node}" would have ${devices} devices; at most ${MAX_NODE_DEVICES} fit.`,
    );
  if (bytes > MAX_DEVICES_BYTES)
    throw new EdgeError(
      'bad_request',
      `The devices of node "${node}" would take ${bytes} bytes; at most ${MAX_DEVICES_BYTES} fit. ` +
        'Bind fewer of them to it, or give them fewer properties and expected values.',
    );
}

/** `device "a"`, `devices "a", "b" and 7 more` */
export function listed(noun: string, names: readonly string[]): string {
  const shown = names
    .slice(0, SHOWN)
    .map((name) => `"${name}"`)
    .join(', ');
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${noun}${names.length === 1 ? '' : 's'} ${shown}${more}`;
}

function plain(value: object): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}
