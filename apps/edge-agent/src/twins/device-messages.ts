/** What a message about one device does: from a client on the broker, or a sync from the cloud. */
import {
  attributesUpdate,
  deviceStateUpdate,
  type DeviceTopic,
  deviceTopic,
  deviceTwinGet,
  type MsgAttribute,
  REPORTED_STATES,
  twinSync,
} from '@selvage/protocol';
import * as answers from './answers.js';
import { type Sync, sync, syncOf } from './cloud.js';
import { merge } from './merge.js';
import { excerpt, type Payload, readMessage, readUpdate } from './message.js';
import { type BoundDevice, type Moment, type Out, type Outcome, saying } from './twin-node.js';

/** A message to one device. `device` is undefined when none of this id is bound; `by` names the sender in events. */
export interface DeviceMessage {
  readonly id: string;
  readonly device: BoundDevice | undefined;
  readonly payload: Payload;
  readonly by: string;
}
type Handler = (message: DeviceMessage, moment: Moment) => Outcome;

const UNBOUND = { code: 404, reason: 'update rejected due to the device is not existed' } as const;
const BAD_STATE = { code: 400, reason: `the state must be one of ${REPORTED_STATES.join(', ')}` } as const;
const STATES: readonly string[] = REPORTED_STATES;

/** Topics that clients publish → what is done. Whatever else a client publishes under its device is not for the agent. */
export const DEVICE_HANDLERS: Partial<Record<DeviceTopic, Handler>> = {
  'twin/get': getTwin,
  'twin/update': updateTwin,
  'state/update': updateState,
};

function getTwin({ id, device, payload }: DeviceMessage, { now }: Moment): Outcome {
  const answer = (body: object): Outcome => saying(device, mqtt(id, 'twin/get/result', body));
  const malformed = `Unmarshal twin info ${excerpt(payload)} failed , err: it is not a JSON object with an event_id`;
  const read = readMessage(deviceTwinGet, payload, malformed);
  if ('refusal' in read) return answer(answers.failure(read.eventId, now, read.refusal));
  const reason = `Device ${id} not found while getting twin`;
  if (!device) return answer(answers.failure(read.eventId, now, { code: 404, reason }));
  return answer(
    answers.twinAnswer(read.eventId, now, { twin: device.twin, withVersions: read.body.versions === true }),
  );
}

function updateTwin({ id, device, payload, by }: DeviceMessage, moment: Moment): Outcome {
  const { now } = moment;
  const read = readUpdate(payload);
  const { eventId } = read;
  const result = (body: object): Out => mqtt(id, 'twin/update/result', body);
  if ('refusal' in read) return saying(device, result(answers.failure(eventId, now, read.refusal)));
  if (!device) return saying(device, result(answers.failure(eventId, now, UNBOUND)));
  const merged = merge(device, read.body, now);
  if ('code' in merged) return saying(device, result(answers.failure(eventId, now, merged)));
  const { written, twin } = merged;
  if (written.length === 0) return saying(device, result(answers.updateResult(eventId, now, written)));
  return {
    device: { ...device, twin },
    written,
    changes: answers.changeEvents(id, written, { at: now, by }),
    out: [
      result(answers.updateResult(eventId, now, written)),
      ...told(id, 'twin/update/document', answers.document(eventId, now, written)),
      ...told(id, 'twin/update/delta', answers.delta(twin, moment)),
      cloud(`device/${id}/twin/edge_updated`, answers.edgeUpdated(written, moment)),
    ],
  };
}

function updateState({ id, device, payload }: DeviceMessage, { now, newId }: Moment): Outcome {
  const result = (body: object): Outcome => saying(device, mqtt(id, 'state/update/result', body));
  const read = readMessage(deviceStateUpdate, payload);
  const { eventId } = read;
  if ('refusal' in read) return result(answers.failure(eventId, now, read.refusal));
  if (!device) return result(answers.failure(eventId, now, UNBOUND));
  const state = read.body.state ?? '';
  const known = state.toLowerCase();
  if (!STATES.includes(known)) return result(answers.failure(eventId, now, BAD_STATE));
  const isOnline = known === 'online' || known === 'ok';
  const next: BoundDevice = { ...device, state, ...(isOnline && { lastOnlineAt: now }) };
  const answer = answers.stateAnswer(eventId === '' ? newId() : eventId, now, next);
  const out = [mqtt(id, 'state/update/result', answer), cloud(`device/${id}/state/update`, answer)];
  return { device: next, written: [], changes: [], out };
}

/** A sync of IEF's or KubeEdge's form; one that cannot be read does nothing. */
export function cloudUpdated({ id, device, payload }: DeviceMessage, moment: Moment): Outcome {
  const read = readMessage(twinSync, payload);
  if ('refusal' in read) return saying(device);
  if (!device) {
    return saying(device, mqtt(id, 'twin/update/result', answers.failure(read.eventId, moment.now, UNBOUND)));
  }
  return syncDevice(device, { eventId: read.eventId, sync: syncOf(read.body.twin ?? {}) }, moment);
}

/** Writes what the cloud wants into a twin. Clients hear of it when something changed or was refused, the cloud of what was kept. */
export function syncDevice(device: BoundDevice, wish: { eventId: string; sync: Sync }, moment: Moment): Outcome {
  const { id } = device;
  const { twin, written, kept, isRefused } = sync(device, wish.sync, moment.now);
  if (written.length === 0 && !isRefused) return saying(device);
  return {
    device: written.length === 0 ? device : { ...device, twin },
    written,
    changes: answers.changeEvents(id, written, { at: moment.now, by: 'hub' }),
    out: [
      ...told(id, 'twin/update/document', answers.document(wish.eventId, moment.now, written)),
      ...told(id, 'twin/update/delta', answers.delta(twin, moment)),
      ...(kept.length > 0 ? [cloud(`device/${id}/twin/edge_updated`, answers.keptAnswer(kept, moment))] : []),
    ],
  };
}

/** What a device is told whose actual values are not the expected ones; nothing when they are. */
export function deltaOf({ id, twin }: BoundDevice, moment: Moment): Out[] {
  return told(id, 'twin/update/delta', answers.delta(twin, moment));
}

/** New attributes from the cloud; null removes one. Those that are not named stay. */
export function attributesUpdated({ device, payload }: DeviceMessage, { now }: Moment): Outcome {
  const read = readMessage(attributesUpdate, payload);
  if ('refusal' in read || !device) return saying(device);
  return setAttributes(device, new Map(Object.entries(read.body.attributes ?? {})), { eventId: read.eventId, now });
}

/** Sets and removes attributes; clients hear only of those that changed. */
export function setAttributes(
  device: BoundDevice,
  wanted: ReadonlyMap<string, MsgAttribute | null>,
  { eventId, now }: { eventId: string; now: number },
): Outcome {
  const attributes = new Map(device.attributes);
  const changed = new Map<string, MsgAttribute | null>();
  for (const [key, sent] of wanted) {
    const old = attributes.get(key);
    if (sent ? isSameAttribute(old, sent) : !old) continue;
    changed.set(key, sent);
    if (sent) attributes.set(key, attributeWith(old, sent));
    else attributes.delete(key);
  }
  if (changed.size === 0) return saying(device);
  const news = mqtt(device.id, 'updated', answers.attributesChanged(eventId, now, changed));
  return saying({ ...device, attributes }, news);
}

/** What a message does not say of an attribute stays. */
function attributeWith(old: MsgAttribute | undefined, sent: MsgAttribute): MsgAttribute {
  return { value: sent.value, optional: sent.optional ?? old?.optional, metadata: sent.metadata ?? old?.metadata };
}

function isSameAttribute(old: MsgAttribute | undefined, sent: MsgAttribute): boolean {
  const { value, optional, metadata } = attributeWith(old, sent);
  return old?.value === value && old.optional === optional && old.metadata?.type === metadata?.type;
}

function told(id: string, of: DeviceTopic, payload: object | undefined): Out[] {
  return payload ? [mqtt(id, of, payload)] : [];
}

function mqtt(id: string, of: DeviceTopic, payload: object): Out {
  return { to: 'mqtt', topic: deviceTopic(id, of), payload };
}

function cloud(topic: string, payload: object): Out {
  return { to: 'cloud', topic, payload };
}
