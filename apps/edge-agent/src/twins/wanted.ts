/** What the hub wants of this node's devices, read and applied. */
import {
  type DesiredDevices,
  desiredDevices,
  type DesiredTwins,
  desiredTwins,
  type Position,
  toEdgeError,
} from '@selvage/protocol';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { bindingFrom, syncExpected } from './desired.js';
import { type Handled, memberships } from './machine.js';
import type { Moment, TwinNode } from './twin-node.js';

/** What is asked of the store of desired state. */
export interface DesiredSource {
  /** Absent until the hub sent a first desired state. */
  readonly position: Position | null;
  read<T>(section: string, schema: z.ZodType<T>): T | undefined;
  onChange(section: string, listener: () => void): void;
}

/** A section that is absent cannot be read: what there is stays. */
export interface Wanted {
  readonly devices?: DesiredDevices | undefined;
  readonly twins?: DesiredTwins | undefined;
}

/** Nothing at all before the hub has said anything: then nothing is touched. */
export function readWanted(desired: DesiredSource, log: Pick<Logger, 'error'>): Wanted | undefined {
  if (desired.position === null) return undefined;
  return {
    devices: readSection(() => desired.read('devices', desiredDevices) ?? { devices: [], clients: [] }, log),
    twins: readSection(() => desired.read('twins', desiredTwins), log),
  };
}

/** Most devices that are brought to what is wanted in one go: then others have their turn. */
const PART = 500;

/** Some of what is wanted. */
type Part = (node: TwinNode, moment: Moment) => Handled;

/** What is wanted in parts, to be applied one after the other: who is no longer wanted first, then the others. */
export function partsOf(node: TwinNode, { devices, twins }: Wanted): Part[] {
  const expected = twins?.devices ?? [];
  if (!devices) return chunks(expected).map((some) => (now, moment) => syncExpected(now, { devices: some }, moment));
  const values = new Map(expected.map((one) => [one.id, one.expected]));
  const ids = new Set(devices.devices.map(({ id }) => id));
  const strangers = [...node.devices.keys()].filter((id) => !ids.has(id));
  const released = chunks(strangers).map((some): Part => {
    return (now, moment) => memberships(now, { bound: [], released: some }, moment);
  });
  const bound = chunks(devices.devices).map((some): Part => {
    const bindings = some.map((device) => bindingFrom(device, values.get(device.id)));
    return (now, moment) => memberships(now, { bound: bindings, released: [] }, moment);
  });
  return [...released, ...bound];
}

/** Items in lists of a bounded length. */
export function chunks<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / PART) }, (_, at) => items.slice(at * PART, (at + 1) * PART));
}

/** Ids of devices that came, went or are others than before. */
export function differing(before: TwinNode['devices'], after: TwinNode['devices']): string[] {
  const changed = [...after].flatMap(([id, device]) => (before.get(id) === device ? [] : [id]));
  return [...changed, ...[...before.keys()].filter((id) => !after.has(id))];
}

/** What is read; undefined, and logged, when this agent cannot read it. */
export function readSection<T>(read: () => T, log: Pick<Logger, 'error'>): T | undefined {
  try {
    return read();
  } catch (error) {
    log.error({ err: toEdgeError(error) }, 'what the hub wants of the devices could not be read');
    return undefined;
  }
}
