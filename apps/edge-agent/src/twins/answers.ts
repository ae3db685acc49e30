/** The payloads that clients and the cloud get, member by member as IEF and KubeEdge send them. */
import {
  type MsgAttribute,
  NO_VERSION,
  type StoredKey,
  type StoredSide,
  TWIN_SIDES,
  type TwinChange,
  type TwinSide,
} from '@selvage/protocol';
import type { Kept } from './cloud.js';
import type { Refusal } from './message.js';
import { type Attributes, type BoundDevice, type KeyChange, live, type Moment, type Twin } from './twin-node.js';

/** A failure: on the topic of the answer that was asked for. */
export function failure(eventId: string, now: number, { code, reason }: Refusal): object {
  return { event_id: eventId, timestamp: now, code, reason };
}

/** `twin/get/result`: live keys, without versions unless they were asked for. */
export function twinAnswer(eventId: string, now: number, given: { twin: Twin; withVersions: boolean }): object {
  const keys = [...given.twin].flatMap(([key, stored]) => {
    if (!live(stored)) return [];
    const shown = msgKey(stored);
    return [[key, given.withVersions ? { ...shown, ...versionsOf(stored, TWIN_SIDES) } : shown] as const];
  });
  return { event_id: eventId, timestamp: now, twin: Object.fromEntries(keys) };
}

/** `twin/update/result`: of each changed key only what changed; null for a key that was deleted. */
export function updateResult(eventId: string, now: number, written: readonly KeyChange[]): object {
  const keys = written.map(
    (change) => [change.key, change.kind === 'deleted' ? null : changedMembers(change)] as const,
  );
  return { event_id: eventId, timestamp: now, twin: Object.fromEntries(keys) };
}

/** `twin/update/document`: each changed key before and after; undefined when no live key changed. */
export function document(eventId: string, now: number, written: readonly KeyChange[]): object | undefined {
  const keys = written.flatMap(({ key, last, current }) => {
    if (!last && !live(current)) return [];
    return [[key, { last: last ? msgKey(last) : null, current: live(current) ? msgKey(current) : null }] as const];
  });
  return keys.length === 0 ? undefined : { event_id: eventId, timestamp: now, twin: Object.fromEntries(keys) };
}

/** `twin/update/delta`: every key with an expected value, and those where the actual one differs; undefined when none does. */
export function delta(twin: Twin, { now, newId }: Moment): object | undefined {
  const differing = [...twin].flatMap(([key, stored]) => {
    const wanted = isPending(stored) ? stored.expected?.value : undefined;
    return wanted === undefined ? [] : [[key, wanted] as const];
  });
  if (differing.length === 0) return undefined;
  const expecting = [...twin].filter(([, stored]) => live(stored)?.expected?.value !== undefined);
  return {
    event_id: newId(),
    timestamp: now,
    twin: Object.fromEntries(expecting.map(([key, stored]) => [key, msgKey(stored)])),
    delta: Object.fromEntries(differing),
  };
}

/** Whether a live key has an expected value that is neither empty nor the actual one. */
export function isPending(stored: StoredKey): boolean {
  const expected = live(stored)?.expected?.value;
  return expected !== undefined && expected !== '' && expected !== stored.actual?.value;
}

/** `twin/edge_updated` after an update at the edge: what changed, with its versions. */
export function edgeUpdated(written: readonly KeyChange[], { now, newId }: Moment): object {
  const keys = written.map((change) => {
    const { key, kind, current, sides } = change;
    if (kind === 'deleted') return [key, tombstoneMembers(current)] as const;
    return [key, { ...changedMembers(change), ...versionsOf(current, sides) }] as const;
  });
  return { event_id: newId(), timestamp: now, twin: Object.fromEntries(keys) };
}

/** `twin/edge_updated` as the reply to a sync that was refused: the edge's own values and versions. */
export function keptAnswer(kept: readonly Kept[], { now, newId }: Moment): object {
  const keys = kept.map(({ key, stored, sides }) => {
    if (!live(stored)) return [key, tombstoneMembers(stored)] as const;
    return [key, { ...msgKey(stored, sides), ...versionsOf(stored, sides) }] as const;
  });
  return { event_id: newId(), timestamp: now, twin: Object.fromEntries(keys) };
}

/** `state/update/result`, and the same to the cloud. */
export function stateAnswer(eventId: string, now: number, device: BoundDevice): object {
  const { name, state, lastOnlineAt } = device;
  return {
    event_id: eventId,
    timestamp: now,
    device: {
      name: filled(name),
      state,
      last_online: lastOnlineAt === undefined ? undefined : clockText(lastOnlineAt),
    },
  };
}

/** `membership/get/result`: every bound device, never its twin. */
export function members(eventId: string, now: number, devices: Iterable<BoundDevice>): object {
  return { event_id: eventId, timestamp: now, devices: [...devices].map(member) };
}

/** `updated`: attributes that changed, null for those that are gone. */
export function attributesChanged(
  eventId: string,
  now: number,
  changed: ReadonlyMap<string, MsgAttribute | null>,
): object {
  return { event_id: eventId, timestamp: now, attributes: Object.fromEntries(changed) };
}

/** One device as the list of members shows it. */
export function member(device: BoundDevice): object {
  const { id, name, description, state, lastOnlineAt, attributes } = device;
  return {
    id,
    name: filled(name),
    description: filled(description),
    state: filled(state),
    last_online: lastOnlineAt === undefined ? undefined : clockText(lastOnlineAt),
    attributes: attributes.size === 0 ? undefined : attributesShown(attributes),
  };
}

function attributesShown(attributes: Attributes): object {
  return Object.fromEntries(attributes);
}

/** What changed, as events for the hub and its history: one for each side that was set or deleted. */
export function changeEvents(
  device: string,
  written: readonly KeyChange[],
  who: { at: number; by: string },
): TwinChange[] {
  return written.flatMap(({ key, current, sides }) =>
    sides.flatMap((side) => {
      const stored = current[side];
      if (!stored) return [];
      return [{ device, key, side, value: stored.value ?? null, version: stored.version, ...who }];
    }),
  );
}

/** A key without versions, with the sides that have a value. */
export function msgKey(stored: StoredKey, sides: readonly TwinSide[] = TWIN_SIDES): object {
  return {
    expected: sides.includes('expected') ? msgSide(stored.expected) : undefined,
    actual: sides.includes('actual') ? msgSide(stored.actual) : undefined,
    optional: stored.optional,
    metadata: { type: stored.type },
  };
}

function msgSide(side: StoredSide | undefined): object | undefined {
  return side?.value === undefined ? undefined : { value: side.value, metadata: { timestamp: side.at } };
}

function changedMembers({ kind, current, sides }: KeyChange): object {
  return kind === 'relaxed' ? { optional: current.optional } : msgKey(current, sides);
}

function tombstoneMembers(stored: StoredKey): object {
  return {
    expected: stored.expected && {},
    actual: stored.actual && {},
    optional: stored.optional,
    metadata: { type: 'deleted' },
    expected_version: stored.expected?.version ?? NO_VERSION,
    actual_version: stored.actual?.version ?? NO_VERSION,
  };
}

function versionsOf(stored: StoredKey, sides: readonly TwinSide[]): object {
  return {
    expected_version: sides.includes('expected') ? stored.expected?.version : undefined,
    actual_version: sides.includes('actual') ? stored.actual?.version : undefined,
  };
}

/** Go leaves empty texts out. */
function filled(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. */
function clockText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** One device with its twin, as clients are told when it is bound. */
export function memberWithTwin(device: BoundDevice): object {
  const keys = [...device.twin].flatMap(([key, stored]) => (live(stored) ? [[key, msgKey(stored)] as const] : []));
  return { ...member(device), twin: keys.length === 0 ? undefined : Object.fromEntries(keys) };
}
