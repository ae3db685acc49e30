/** A node with the device `lamp`, and short ways to talk to it, for tests. */
import { deviceProperty, deviceTopic, type DeviceTopic, type StoredKey, type TwinVersion } from '@selvage/protocol';
import type { z } from 'zod';
import { type Handled, handle, rebind } from './machine.js';
import type { Binding } from './membership.js';
import type { Moment, TwinNode } from './twin-node.js';

export const LAMP = 'lamp';
export const CLOUD_UPDATED = `device/${LAMP}/twin/cloud_updated`;
export const EMPTY: TwinNode = { node: 'node-1', devices: new Map() };

/** A moment; ids are `id`. */
export function at(now: number): Moment {
  return { now, newId: () => 'id' };
}

export function binding(properties: Record<string, z.input<typeof deviceProperty>> = {}, id = LAMP): Binding {
  const parsed = Object.entries(properties).map(([key, one]) => [key, deviceProperty.parse(one)] as const);
  return {
    id,
    name: 'Lamp',
    description: '',
    state: 'unknown',
    attributes: new Map(),
    properties: new Map(parsed),
    twin: new Map(),
  };
}

/** A node to which the lamp is bound. */
export function lampNode(properties: Record<string, z.input<typeof deviceProperty>> = {}): TwinNode {
  return rebind(EMPTY, [binding(properties)], at(1)).node;
}

/** A message from the device or an app. */
export function tell(node: TwinNode, body: unknown, given: { of?: DeviceTopic; now?: number } = {}): Handled {
  const { of = 'twin/update', now = 1000 } = given;
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  return handle(node, { from: 'mqtt', topic: deviceTopic(LAMP, of), payload }, at(now));
}

/** An update of the twin. */
export function update(node: TwinNode, twin: unknown, more: object = {}): Handled {
  return tell(node, { event_id: 'e', twin, ...more });
}

/** A sync from the cloud. */
export function sync(node: TwinNode, twin: unknown): Handled {
  const payload = JSON.stringify({ event_id: 'c', twin });
  return handle(node, { from: 'cloud', topic: CLOUD_UPDATED, payload }, at(2000));
}

/** One key of a sync. */
export function wish(value: string, cloud: number, edge = 0): object {
  return { expected: { value }, expected_version: { cloud, edge } };
}

export function keyOf(node: TwinNode, key: string): StoredKey | undefined {
  return node.devices.get(LAMP)?.twin.get(key);
}

export function expectedVersion(node: TwinNode, key: string): TwinVersion | undefined {
  return keyOf(node, key)?.expected?.version;
}

/** What was said: the last level or two of each topic. */
export function topics({ out }: Handled): string[] {
  return out.map(({ topic }) => topic.replace(/^.*\/(twin|state)\//, ''));
}

/** The payload on a topic that ends so, as clients read it. */
export function said({ out }: Handled, end: string): unknown {
  const found = out.find(({ topic }) => topic.endsWith(end));
  return found && (JSON.parse(JSON.stringify(found.payload)) as unknown);
}
