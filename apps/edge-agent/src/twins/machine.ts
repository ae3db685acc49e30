/** The twins of a node as one pure function: a message in, the node as it is now and what to store and say out. */
import { membershipDetail, membershipUpdate, parseTopic, type TwinChange } from '@selvage/protocol';
import { attributesUpdated, cloudUpdated, DEVICE_HANDLERS, type DeviceMessage } from './device-messages.js';
import { type Binding, bind, bindingOf, listMembers, unbind } from './membership.js';
import { type Payload, readMessage } from './message.js';
import type { BoundDevice, KeyChange, Moment, Out, Outcome, TwinNode } from './twin-node.js';

/** A message from a client on the broker, or from a cloud that speaks as KubeEdge's. `by` names the sender in events. */
export interface Message {
  readonly from: 'mqtt' | 'cloud';
  readonly topic: string;
  readonly payload: Payload;
  readonly by?: string;
}

/** What a message did. `written` and the bindings must be stored before anything of `out` is sent. */
export interface Handled {
  readonly node: TwinNode;
  readonly written: readonly { readonly device: string; readonly changes: readonly KeyChange[] }[];
  readonly changes: readonly TwinChange[];
  readonly out: readonly Out[];
}

/** Topic of the cloud, with the id that it carries → what is done with a message to one device. */
const CLOUD_DEVICE: readonly [RegExp, (message: DeviceMessage, moment: Moment) => Outcome][] = [
  [/^device\/([A-Za-z0-9_-]{1,64})\/twin\/cloud_updated$/, cloudUpdated],
  [/^device\/([A-Za-z0-9_-]{1,64})$/, attributesUpdated],
];
const CLOUD_NODE: Record<string, (node: TwinNode, payload: Payload, moment: Moment) => Handled> = {
  membership: updateMembership,
  'membership/detail': detailMembership,
};

/** Any message, whatever its topic and bytes: one that is not for the twins changes nothing and says nothing. */
export function handle(node: TwinNode, message: Message, moment: Moment): Handled {
  return message.from === 'mqtt' ? fromBroker(node, message, moment) : fromCloud(node, message, moment);
}

/**
 * What a client's publish does to one device: the part of `handle` that costs the same on a node of any size. Undefined when
 * the topic is not one that the agent answers.
 */
export function handleDevice(topic: string, message: Omit<DeviceMessage, 'id'>, moment: Moment): Outcome | undefined {
  const parsed = parseTopic(topic);
  if (parsed?.kind !== 'device') return undefined;
  return DEVICE_HANDLERS[parsed.of]?.({ ...message, id: parsed.device }, moment);
}

/** Makes the bound devices exactly those that are wanted: binds what is missing, brings up to date, releases the rest. */
export function rebind(node: TwinNode, wanted: readonly Binding[], moment: Moment): Handled {
  const ids = new Set(wanted.map(({ id }) => id));
  const gone = [...node.devices.keys()].filter((id) => !ids.has(id));
  return memberships(node, { bound: wanted, released: gone }, moment);
}

/** Puts the outcomes for devices into the node, in their order. */
export function withOutcomes(node: TwinNode, outcomes: readonly (readonly [id: string, outcome: Outcome])[]): Handled {
  const changed = outcomes.filter(([id, { device }]) => node.devices.get(id) !== device);
  return {
    node: changed.length === 0 ? node : { ...node, devices: withDevices(node.devices, changed) },
    written: outcomes.flatMap(([device, { written }]) => (written.length > 0 ? [{ device, changes: written }] : [])),
    changes: outcomes.flatMap(([, { changes }]) => changes),
    out: outcomes.flatMap(([, { out }]) => out),
  };
}

function fromBroker(node: TwinNode, { topic, payload, by }: Message, moment: Moment): Handled {
  const parsed = parseTopic(topic);
  if (parsed?.kind === 'node' && parsed.of === 'membership/get' && parsed.node === node.node) {
    return { ...quiet(node), out: [listMembers(node, payload, moment)] };
  }
  if (parsed?.kind !== 'device') return quiet(node);
  const { device: id, of } = parsed;
  const outcome = DEVICE_HANDLERS[of]?.({ id, device: node.devices.get(id), payload, by: by ?? id }, moment);
  return outcome ? withOutcomes(node, [[id, outcome]]) : quiet(node);
}

function fromCloud(node: TwinNode, { topic, payload }: Message, moment: Moment): Handled {
  const prefix = `node/${node.node}/`;
  if (topic.startsWith(prefix)) {
    const of = topic.slice(prefix.length);
    return Object.hasOwn(CLOUD_NODE, of) ? (CLOUD_NODE[of]?.(node, payload, moment) ?? quiet(node)) : quiet(node);
  }
  for (const [pattern, act] of CLOUD_DEVICE) {
    const id = pattern.exec(topic)?.[1];
    if (id === undefined) continue;
    return withOutcomes(node, [[id, act({ id, device: node.devices.get(id), payload, by: 'hub' }, moment)]]);
  }
  return quiet(node);
}

function updateMembership(node: TwinNode, payload: Payload, moment: Moment): Handled {
  const read = readMessage(membershipUpdate, payload);
  if ('refusal' in read) return quiet(node);
  const bound = (read.body.added_devices ?? []).map(bindingOf);
  const released = (read.body.removed_devices ?? []).map(({ id }) => id);
  return memberships(node, { bound, released }, moment);
}

function detailMembership(node: TwinNode, payload: Payload, moment: Moment): Handled {
  const read = readMessage(membershipDetail, payload);
  if ('refusal' in read || !read.body.devices) return quiet(node);
  return rebind(node, read.body.devices.map(bindingOf), moment);
}

/** Binds devices or brings them up to date, and releases others. */
export function memberships(
  node: TwinNode,
  { bound, released }: { bound: readonly Binding[]; released: readonly string[] },
  moment: Moment,
): Handled {
  const devices = new Map(node.devices);
  const outcomes: (readonly [string, Outcome])[] = [];
  const take = (id: string, outcome: Outcome): void => {
    put(devices, id, outcome.device);
    outcomes.push([id, outcome]);
  };
  for (const one of bound) take(one.id, bind({ node: node.node, device: devices.get(one.id) }, one, moment));
  for (const id of released) take(id, unbind(node.node, devices.get(id), moment));
  return withOutcomes(node, outcomes);
}

function withDevices(
  old: TwinNode['devices'],
  changed: readonly (readonly [id: string, outcome: Outcome])[],
): TwinNode['devices'] {
  const devices = new Map(old);
  for (const [id, { device }] of changed) put(devices, id, device);
  return devices;
}

function put(devices: Map<string, BoundDevice>, id: string, device: BoundDevice | undefined): void {
  if (device) devices.set(id, device);
  else devices.delete(id);
}

function quiet(node: TwinNode): Handled {
  return { node, written: [], changes: [], out: [] };
}
