import { isDeepStrictEqual } from 'node:util';
import {
  isTwinValue,
  MAX_TWIN_KEYS,
  REPORTED_STATES,
  type ReportedDevice,
  stateOf,
  type StoredKey,
  type TwinChange,
  type TwinVersion,
} from '@selvage/protocol';
import { heardChange, heardKey, type HeldKey, isSound, type KeyEvent, momentOf } from './held.rules.js';

/** What is known of the device that is heard of. */
export interface KnownTwin {
  readonly properties: Readonly<Record<string, { readonly type: StoredKey['type'] }>>;
  readonly keys: Map<string, HeldKey>;
}

/** What is new about a device: keys as they are now, and what changed. */
export interface DeviceNews {
  readonly written: ReadonlyMap<string, HeldKey>;
  readonly events: readonly (KeyEvent & { readonly key: string })[];
  /** Whether some expected value is another than before, so that what the node is to have is too. */
  readonly isExpectedNew: boolean;
}

const STATES: readonly string[] = REPORTED_STATES;

/** What a node's report of a device changes. `keys` are brought up to date. `node` and `now` are for events that do not say who and when. */
export function reportNews(
  { keys }: Pick<KnownTwin, 'keys'>,
  said: ReportedDevice,
  { node, now }: { node: string; now: string },
): DeviceNews {
  const written = new Map<string, HeldKey>();
  const events: (KeyEvent & { key: string })[] = [];
  let isExpectedNew = false;
  const hearing = { now, by: { expected: node, actual: said.id } };
  for (const [key, stored] of Object.entries(said.twin)) {
    const before = keys.get(key);
    if (!isSound(stored) || (before === undefined && keys.size >= MAX_TWIN_KEYS)) continue;
    const heard = heardKey(before, stored, hearing);
    if (before !== undefined && isDeepStrictEqual(before, heard.held)) continue;
    keys.set(key, heard.held);
    written.set(key, heard.held);
    events.push(...heard.events.map((event) => ({ ...event, key })));
    if (isOther(before, heard.held)) isExpectedNew = true;
  }
  return { written, events, isExpectedNew };
}

/** What changes on their way from the node that a device belongs to do to its twin, in their order. */
export function changeNews({ properties, keys }: KnownTwin, changes: readonly TwinChange[]): DeviceNews {
  const written = new Map<string, HeldKey>();
  let isExpectedNew = false;
  for (const change of changes) {
    const before = keys.get(change.key);
    if (before === undefined && keys.size >= MAX_TWIN_KEYS) continue;
    const held = heardChange(before, change, properties[change.key]?.type ?? 'string');
    if (before !== undefined && isDeepStrictEqual(before, held)) continue;
    keys.set(change.key, held);
    written.set(change.key, held);
    if (isOther(before, held)) isExpectedNew = true;
  }
  return { written, events: changes.map(eventOf), isExpectedNew };
}

/** Changes as they can be kept: without values that no node stores, and without characters that no database takes. */
export function soundChanges(changes: readonly TwinChange[]): TwinChange[] {
  return changes
    .filter(({ value }) => value === null || isTwinValue(value))
    .map((change) => ({ ...change, by: change.by.replace(/\p{Cc}/gu, '?') }));
}

/** A change as an event. */
export function eventOf({ key, side, value, at, version, by }: TwinChange): KeyEvent & { key: string } {
  return { key, side, value, at: momentOf(at), version, by };
}

/** The state in the device's own word; one that no device reports is unknown. */
export function reportedState(said: string): string {
  return STATES.includes(said.toLowerCase()) ? said : 'unknown';
}

/** What a device has become, as far as its own words tell; undefined when it stays what it was, or is not known. */
export function turnedTo(before: string | null, after: string): 'online' | 'offline' | undefined {
  const [was, is] = [before === null ? 'unknown' : stateOf(before), stateOf(after)];
  return was === is || is === 'unknown' ? undefined : is;
}

/** When a device was last heard, ISO 8601: the latest of what it said itself; undefined when it has not said anything. */
export function lastHeard({ lastOnlineAt, twin }: ReportedDevice): string | undefined {
  const times = [lastOnlineAt, ...Object.values(twin).map(({ actual }) => actual?.at)].filter((at) => at !== undefined);
  return times.length === 0 ? undefined : momentOf(times.reduce((latest, at) => Math.max(latest, at)));
}

/** When the latest of some actual values was set, ISO 8601; empty when there is none. */
export function lastChanged(changes: readonly TwinChange[]): string {
  const times = changes.filter(({ side }) => side === 'actual').map(({ at }) => momentOf(at));
  return times.reduce((latest, at) => (at > latest ? at : latest), '');
}

function isOther(before: HeldKey | undefined, after: HeldKey): boolean {
  const none: TwinVersion = { cloud: 0, edge: 0 };
  const [old, now] = [before?.expected ?? { value: null, version: none }, after.expected];
  const isSame = old.value === now.value && isDeepStrictEqual(old.version, now.version);
  return !isSame || (before?.leaving ?? false) !== after.leaving;
}
