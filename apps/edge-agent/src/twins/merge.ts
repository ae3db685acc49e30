/** What an update from a device or app does to a twin. All of it is done, or nothing. */
import {
  type DeviceProperty,
  isSameVersion,
  MAX_TWIN_KEYS,
  NO_VERSION,
  type StoredKey,
  type StoredSide,
  TWIN_SIDES,
  twinType,
  type TwinSide,
  type TwinVersion,
  typeProblem,
  valueProblem,
} from '@selvage/protocol';
import type { KeyUpdate, Refusal, Update } from './message.js';
import { type BoundDevice, type KeyChange, live, type Twin, withChanges } from './twin-node.js';

/** The twin after an update, and the keys that changed. */
export interface Merged {
  readonly twin: Twin;
  readonly written: readonly KeyChange[];
}

/**
 * Writes an update into a twin. Each value that is set counts as a change, the same value too; keys that the update names
 * without effect are not in `written`. The first key that does not fit refuses the whole update.
 */
export function merge(device: Pick<BoundDevice, 'twin' | 'properties'>, update: Update, now: number): Merged | Refusal {
  const written: KeyChange[] = [];
  let added = 0;
  for (const [key, sent] of update.keys) {
    const stored = device.twin.get(key);
    const property = device.properties.get(key);
    const place: Place = { key, stored, property, now };
    const change = sent
      ? writeKey(place, { ...sent, ifVersion: sent.ifVersion ?? update.ifVersion })
      : deleteKey(place, update.ifVersion);
    if (change === undefined) continue;
    if ('code' in change) return change;
    if (!stored) added += 1;
    written.push(change);
  }
  if (added > 0 && device.twin.size + added > MAX_TWIN_KEYS) {
    return refusal(400, `a twin has at most ${MAX_TWIN_KEYS} keys, deleted ones included`);
  }
  return { twin: withChanges(device.twin, written), written };
}

/** A key without its values: what is left of it when it is deleted. Each side in `versions` gets that version. */
export function tombstone(stored: StoredKey | undefined, versions: Partial<Record<TwinSide, TwinVersion>>): StoredKey {
  const sides = TWIN_SIDES.flatMap((side) => {
    const version = versions[side] ?? stored?.[side]?.version;
    return version ? [[side, { version }] as const] : [];
  });
  return { type: 'deleted', optional: stored?.optional ?? true, ...Object.fromEntries(sides) };
}

/** A live key: what is written takes the place of what is stored, side by side. */
export function keyWith(
  head: Pick<StoredKey, 'type' | 'optional'>,
  stored: StoredKey | undefined,
  written: Partial<Record<TwinSide, StoredSide>>,
): StoredKey {
  const expected = written.expected ?? stored?.expected;
  const actual = written.actual ?? stored?.actual;
  return { type: head.type, optional: head.optional, ...(expected && { expected }), ...(actual && { actual }) };
}

/** Why a value may not be set on one side of a key; undefined when it may. */
export function sideProblem(
  side: TwinSide,
  value: string,
  { type, property }: { type: string; property: DeviceProperty | undefined },
): string | undefined {
  if (side === 'expected' && property?.access === 'r') return 'the property is read only: it has no expected value';
  return typeProblem(type, value) ?? (property && valueProblem(property, value));
}

interface Place {
  readonly key: string;
  readonly stored: StoredKey | undefined;
  readonly property: DeviceProperty | undefined;
  readonly now: number;
}

function deleteKey({ key, stored }: Place, ifVersion: TwinVersion | undefined): KeyChange | Refusal | undefined {
  const last = live(stored);
  if (!last?.optional) return undefined;
  const sides = TWIN_SIDES.filter((side) => last[side]);
  const conflict = conflictOf({ key, stored: last, sides, ifVersion });
  if (conflict) return conflict;
  const versions = Object.fromEntries(sides.map((side) => [side, counted(last[side])]));
  return { key, kind: 'deleted', last, current: tombstone(last, versions), sides };
}

function writeKey(place: Place, sent: KeyUpdate): KeyChange | Refusal | undefined {
  const { key, stored, property, now } = place;
  const last = live(stored);
  const type = twinType.safeParse(
    last?.type ?? property?.type ?? (sent.type === '' ? undefined : sent.type) ?? 'string',
  );
  if (!type.success) return refusal(400, 'the value type is not allowed');
  const sides = TWIN_SIDES.filter((side) => sent[side] !== undefined);
  const problem = firstProblem(sides, (side) => sideProblem(side, sent[side] ?? '', { type: type.data, property }));
  const refused =
    problem === undefined ? conflictOf({ key, stored, sides, ifVersion: sent.ifVersion }) : refusal(400, problem);
  if (refused) return refused;
  const optional = last ? last.optional && sent.optional !== false : (sent.optional ?? property?.optional ?? true);
  if (last && sides.length === 0 && optional === last.optional) return undefined;
  const values = sides.map((side) => [side, { value: sent[side], at: now, version: counted(stored?.[side]) }] as const);
  const current = keyWith({ type: type.data, optional }, stored, Object.fromEntries(values));
  return { key, kind: last && sides.length === 0 ? 'relaxed' : 'written', last, current, sides };
}

function firstProblem<T, P>(items: readonly T[], problemOf: (item: T) => P | undefined): P | undefined {
  for (const item of items) {
    const problem = problemOf(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The caller's `if_version` must be the stored version of every side that is written. */
function conflictOf(given: {
  readonly key: string;
  readonly stored: StoredKey | undefined;
  readonly sides: readonly TwinSide[];
  readonly ifVersion: TwinVersion | undefined;
}): Refusal | undefined {
  const { key, stored, sides, ifVersion } = given;
  if (!ifVersion) return undefined;
  return firstProblem(sides, (side) => {
    const version = stored?.[side]?.version ?? NO_VERSION;
    if (isSameVersion(version, ifVersion)) return undefined;
    return refusal(409, `the ${side} value of key:${key} is at version cloud ${version.cloud}, edge ${version.edge}`);
  });
}

/** The version after one more change at the edge. */
function counted(stored: StoredSide | undefined): TwinVersion {
  const { cloud, edge } = stored?.version ?? NO_VERSION;
  return { cloud, edge: edge + 1 };
}

function refusal(code: Refusal['code'], reason: string): Refusal {
  return { code, reason };
}
