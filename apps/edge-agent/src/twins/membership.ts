/** Which devices belong to the node: binding, releasing and listing them. */
import {
  baseMessage,
  deviceTopic,
  type MsgAttribute,
  type MsgDevice,
  nodeTopic,
  type StoredKey,
  type SyncTwin,
  TWIN_SIDES,
  typeProblem,
} from '@selvage/protocol';
import * as answers from './answers.js';
import { type Sync, syncOf } from './cloud.js';
import { setAttributes, syncDevice } from './device-messages.js';
import { excerpt, type Payload, readMessage } from './message.js';
import {
  type Attributes,
  type BoundDevice,
  type KeyChange,
  live,
  type Moment,
  type Out,
  type Outcome,
  type Properties,
  saying,
  type TwinNode,
  withChanges,
} from './twin-node.js';

/** A device as it is to be bound. `shown` is what clients are told of it; without it, they are told what is stored. */
export interface Binding {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly state: string;
  /** All attributes of the device; without it they stay as they are. */
  readonly attributes?: Attributes | undefined;
  readonly properties: Properties;
  readonly twin: Sync;
  readonly shown?: object;
}

/** A binding out of a membership message of IEF's or KubeEdge's form. */
export function bindingOf(sent: MsgDevice): Binding {
  const { id, name = '', description = '', state = '', twin = {} } = sent;
  return {
    id,
    name,
    description,
    state,
    attributes: sent.attributes && attributesOf(sent.attributes),
    properties: new Map(),
    twin: syncOf(twin),
    shown: { ...sent, twin: sent.twin && withoutVersions(sent.twin) },
  };
}

function attributesOf(sent: Readonly<Record<string, MsgAttribute | null>>): Attributes {
  return new Map(Object.entries(sent).flatMap(([key, value]) => (value ? [[key, value] as const] : [])));
}

/**
 * Binds a device, or brings one that is bound already up to date: its attributes are replaced, its twin is synced by versions.
 * The same binding again changes nothing and says nothing.
 */
export function bind(
  place: { node: string; device: BoundDevice | undefined },
  wanted: Binding,
  moment: Moment,
): Outcome {
  const base = place.device ? renamed(place.device, wanted) : fresh(wanted);
  const added = definitions(base, wanted.properties);
  const prepared = { ...base, properties: wanted.properties, twin: withChanges(base.twin, added) };
  const synced = syncDevice(prepared, { eventId: '', sync: wanted.twin }, moment);
  const written = joined(added, synced.written);
  const twin = synced.device?.twin ?? prepared.twin;
  const attributed = setAttributes({ ...prepared, twin }, attributeChanges(base, wanted), {
    eventId: '',
    now: moment.now,
  });
  const device = attributed.device ?? prepared;
  const about = written.length > 0 ? twinNews(device, written, moment) : synced.out.filter(({ to }) => to === 'mqtt');
  const replies = synced.out.filter(({ to }) => to === 'cloud');
  const isQuiet = written.length === 0 && attributed.out.length === 0;
  return {
    device: isQuiet && place.device && isSameHead(place.device, device) ? place.device : device,
    written,
    changes: synced.changes,
    out: [
      ...about,
      ...attributed.out,
      ...(place.device ? [] : [boundNews(place.node, wanted, { device, moment })]),
      ...replies,
    ],
  };
}

function boundNews(node: string, wanted: Binding, { device, moment }: { device: BoundDevice; moment: Moment }): Out {
  const shown = wanted.shown ?? answers.memberWithTwin(device);
  const payload = { event_id: moment.newId(), timestamp: moment.now, added_devices: [shown], removed_devices: null };
  return { to: 'mqtt', topic: nodeTopic(node, 'membership/updated'), payload };
}

function isSameHead(one: BoundDevice, other: BoundDevice): boolean {
  const isNamedSame = one.name === other.name && one.description === other.description;
  return isNamedSame && JSON.stringify([...one.properties]) === JSON.stringify([...other.properties]);
}

/** Releases a device. What its twin held is forgotten. */
export function unbind(node: string, device: BoundDevice | undefined, { now, newId }: Moment): Outcome {
  if (!device) return saying(device);
  const { id, name } = device;
  const removed = [{ id, name: name === '' ? undefined : name }];
  return saying(undefined, {
    to: 'mqtt',
    topic: nodeTopic(node, 'membership/updated'),
    payload: { event_id: newId(), timestamp: now, added_devices: null, removed_devices: removed },
  });
}

/** Answers `membership/get`. */
export function listMembers(node: TwinNode, payload: Payload, { now }: Moment): Out {
  const malformed = `Unmarshal get membership info ${excerpt(payload)} failed , err: it is not a JSON object with an event_id`;
  const read = readMessage(baseMessage, payload, malformed);
  const body =
    'refusal' in read
      ? answers.failure(read.eventId, now, read.refusal)
      : answers.members(read.eventId, now, node.devices.values());
  return { to: 'mqtt', topic: nodeTopic(node.node, 'membership/get/result'), payload: body };
}

function fresh({ id, name, description, state }: Binding): BoundDevice {
  return { id, name, description, state, attributes: new Map(), properties: new Map(), twin: new Map() };
}

function renamed(device: BoundDevice, { name, description }: Binding): BoundDevice {
  return { ...device, name, description };
}

/** What must change so that a device has exactly the attributes that are wanted. */
function attributeChanges(device: BoundDevice, wanted: Binding): Map<string, MsgAttribute | null> {
  if (!wanted.attributes) return new Map();
  const kept = wanted.attributes;
  const gone = [...device.attributes.keys()].filter((key) => !kept.has(key));
  return new Map<string, MsgAttribute | null>([...gone.map((key) => [key, null] as const), ...kept]);
}

/** Keys that a model adds or gives another type; a value that is none of the new type is dropped. */
function definitions(device: BoundDevice, properties: Properties): KeyChange[] {
  return [...properties].flatMap(([key, { type, optional }]): KeyChange[] => {
    const stored = device.twin.get(key);
    const last = live(stored);
    if (stored && !last) return [];
    const isSameType = last && (last.type === type || (last.type === 'integer' && type === 'int'));
    if (isSameType && last.optional === optional) return [];
    const current = isSameType ? { ...last, optional } : retyped({ type, optional }, stored);
    return [{ key, kind: 'written', last, current, sides: [] }];
  });
}

function retyped(head: Pick<StoredKey, 'type' | 'optional'>, stored: StoredKey | undefined): StoredKey {
  const sides = TWIN_SIDES.flatMap((side) => {
    const old = stored?.[side];
    if (!old) return [];
    const fits = old.value !== undefined && typeProblem(head.type, old.value) === undefined;
    return [[side, fits ? old : { version: old.version }] as const];
  });
  return { ...head, ...Object.fromEntries(sides) };
}

/** Two rounds of changes as one. */
function joined(first: readonly KeyChange[], second: readonly KeyChange[]): KeyChange[] {
  const all = new Map(first.map((change) => [change.key, change]));
  for (const change of second) {
    const before = all.get(change.key);
    all.set(change.key, before ? { ...change, kind: 'written', last: before.last } : change);
  }
  return [...all.values()];
}

function twinNews(device: BoundDevice, written: readonly KeyChange[], moment: Moment): Out[] {
  const document = answers.document('', moment.now, written);
  const delta = answers.delta(device.twin, moment);
  return [
    ...(document
      ? [{ to: 'mqtt' as const, topic: deviceTopic(device.id, 'twin/update/document'), payload: document }]
      : []),
    ...(delta ? [{ to: 'mqtt' as const, topic: deviceTopic(device.id, 'twin/update/delta'), payload: delta }] : []),
  ];
}

function withoutVersions(twin: Readonly<Record<string, SyncTwin | null>>): object {
  const keys = Object.entries(twin).map(([key, sent]) => {
    if (!sent) return [key, null] as const;
    const { expected, actual, optional, metadata } = sent;
    return [key, { expected, actual, optional, metadata }] as const;
  });
  return Object.fromEntries(keys);
}
