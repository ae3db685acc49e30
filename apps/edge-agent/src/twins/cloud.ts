/** What the cloud's wishes do to a twin: each side of each key is accepted or refused by its versions alone. */
import {
  follows,
  isSameVersion,
  isTwinKey,
  isTwinValue,
  MAX_TWIN_KEYS,
  NO_VERSION,
  type StoredKey,
  type SyncTwin,
  TWIN_SIDES,
  twinType,
  type TwinSide,
  type TwinType,
  type TwinVersion,
} from '@selvage/protocol';
import { keyWith, sideProblem, tombstone } from './merge.js';
import { type BoundDevice, type KeyChange, live, type Properties, type Twin, withChanges } from './twin-node.js';

/** One side of a key as the cloud wants it; without value or version it is refused. */
export interface SyncSide {
  readonly value?: string | undefined;
  readonly version?: TwinVersion | undefined;
}

/** One key as the cloud wants it. A side that is absent is left alone. */
export interface KeySync {
  readonly isDeleted: boolean;
  readonly type?: string | undefined;
  readonly optional?: boolean | undefined;
  readonly expected?: SyncSide | undefined;
  readonly actual?: SyncSide | undefined;
}
export type Sync = ReadonlyMap<string, KeySync>;

/** A key whose own value and version the cloud must hear of, because they differ from what it wished. */
export interface Kept {
  readonly key: string;
  readonly stored: StoredKey;
  readonly sides: readonly TwinSide[];
}

export interface Synced {
  readonly twin: Twin;
  readonly written: readonly KeyChange[];
  readonly kept: readonly Kept[];
  /** Whether anything was refused. */
  readonly isRefused: boolean;
}

/**
 * Takes over what the cloud wants where its version follows the stored one. The same versions and values again change nothing.
 * Where the edge is ahead its value stays, and so does a value that the new one may not replace by type or range.
 */
export function sync(device: Pick<BoundDevice, 'twin' | 'properties'>, wanted: Sync, now: number): Synced {
  const written: KeyChange[] = [];
  const kept: Kept[] = [];
  let isRefused = false;
  let size = device.twin.size;
  for (const [key, wish] of wanted) {
    const stored = device.twin.get(key);
    const hasRoom = stored !== undefined || size < MAX_TWIN_KEYS;
    const { current = stored, refused } = hasRoom
      ? syncKey({ key, stored, properties: device.properties, now }, wish)
      : { current: undefined, refused: TWIN_SIDES };
    if (refused.length > 0) isRefused = true;
    if (refused.length > 0 && current) kept.push({ key, stored: current, sides: refused });
    if (!current || current === stored) continue;
    if (!stored) size += 1;
    written.push(changeOf(key, stored, current));
  }
  return { twin: withChanges(device.twin, written), written, kept, isRefused };
}

/** A sync message of IEF's or KubeEdge's form. Keys that are none of a twin are left out; null is a key without a wish. */
export function syncOf(twin: Readonly<Record<string, SyncTwin | null>>): Sync {
  const good = Object.entries(twin).filter(([key]) => isTwinKey(key));
  return new Map(good.map(([key, sent]) => [key, keySync(sent)]));
}

function keySync(sent: SyncTwin | null): KeySync {
  if (!sent) return { isDeleted: false, expected: {} };
  const { expected, actual, expected_version, actual_version } = sent;
  const isDeleted = sent.metadata?.type === 'deleted';
  return {
    isDeleted,
    type: sent.metadata?.type,
    optional: sent.optional,
    ...((expected ?? (isDeleted && expected_version)) && {
      expected: { value: expected?.value, version: expected_version },
    }),
    ...((actual ?? (isDeleted && actual_version)) && { actual: { value: actual?.value, version: actual_version } }),
  };
}

interface Place {
  readonly key: string;
  readonly stored: StoredKey | undefined;
  readonly properties: Properties;
  readonly now: number;
}

interface Verdict {
  /** The key as it is now; undefined when nothing was accepted. */
  readonly current?: StoredKey | undefined;
  readonly refused: readonly TwinSide[];
}

function syncKey(place: Place, wish: KeySync): Verdict {
  return wish.isDeleted ? syncDelete(place, wish) : syncValues(place, wish);
}

/** Accepted when at least one side has a version and each of those follows; it does not ask whether the key is optional. */
function syncDelete({ stored }: Place, wish: KeySync): Verdict {
  const given = TWIN_SIDES.filter((side) => wish[side]);
  const fits = given.every((side) => {
    const version = wish[side]?.version;
    return version !== undefined && follows(version, versionOf(stored, side));
  });
  if (!fits || given.length === 0) return { refused: TWIN_SIDES };
  const current = tombstone(stored, Object.fromEntries(given.map((side) => [side, wish[side]?.version])));
  const isSame = stored?.type === 'deleted' && TWIN_SIDES.every((side) => isSideSame(stored, current, side));
  return { current: isSame ? undefined : current, refused: [] };
}

function syncValues({ key, stored, properties, now }: Place, wish: KeySync): Verdict {
  const last = live(stored);
  const property = properties.get(key);
  const type = twinType.safeParse(
    last?.type ?? property?.type ?? (wish.type === '' ? 'string' : (wish.type ?? 'string')),
  );
  const given = TWIN_SIDES.filter((side) => wish[side]);
  if (!type.success) return { refused: given };
  const accepted = given.flatMap((side) => {
    const fits = fitting({ side, type: type.data, stored, property }, wish[side] ?? {});
    return fits ? [[side, { ...fits, at: now }] as const] : [];
  });
  const refused = given.filter((side) => !accepted.some(([name]) => name === side));
  const news = accepted.filter(([side, { value, version }]) => !isSame(last, side, { value, version }));
  const optional = last ? last.optional && wish.optional !== false : (wish.optional ?? property?.optional ?? true);
  const isNothingNew = news.length === 0 && (!last || optional === last.optional || accepted.length === 0);
  if (isNothingNew) return { refused };
  return { current: keyWith({ type: type.data, optional }, stored, Object.fromEntries(news)), refused };
}

interface SidePlace {
  readonly side: TwinSide;
  readonly type: TwinType;
  readonly stored: StoredKey | undefined;
  readonly property: Parameters<typeof sideProblem>[2]['property'];
}

function fitting(place: SidePlace, { value, version }: SyncSide): { value: string; version: TwinVersion } | undefined {
  if (value === undefined || !version || !isTwinValue(value)) return undefined;
  if (!follows(version, versionOf(place.stored, place.side))) return undefined;
  return sideProblem(place.side, value, place) === undefined ? { value, version } : undefined;
}

function isSame(last: StoredKey | undefined, side: TwinSide, given: { value: string; version: TwinVersion }): boolean {
  const stored = last?.[side];
  return stored?.value === given.value && isSameVersion(stored.version, given.version);
}

function isSideSame(stored: StoredKey, current: StoredKey, side: TwinSide): boolean {
  return isSameVersion(versionOf(stored, side), versionOf(current, side));
}

function versionOf(stored: StoredKey | undefined, side: TwinSide): TwinVersion {
  return stored?.[side]?.version ?? NO_VERSION;
}

function changeOf(key: string, stored: StoredKey | undefined, current: StoredKey): KeyChange {
  const last = live(stored);
  const sides = TWIN_SIDES.filter((side) => current[side] && current[side] !== stored?.[side]);
  if (current.type === 'deleted') return { key, kind: 'deleted', last, current, sides: last ? sides : [] };
  return { key, kind: sides.length > 0 || !last ? 'written' : 'relaxed', last, current, sides };
}
