import {
  follows,
  isSameVersion,
  isTwinValue,
  NO_VERSION,
  type StoredKey,
  type StoredSide,
  type TwinChange,
  type TwinSide,
  type TwinVersion,
} from '@selvage/protocol';

/** One side of a key as the hub has it. Without a value it was never set, or is deleted. `at` is ISO 8601. */
export interface HeldSide {
  readonly value: string | null;
  readonly at: string | null;
  readonly version: TwinVersion;
  readonly by: string | null;
}

/** One key of a twin as the hub has it. `leaving`: the hub wants it deleted and the node has not said that it is. */
export interface HeldKey {
  readonly type: StoredKey['type'];
  readonly optional: boolean;
  readonly leaving: boolean;
  readonly expected: HeldSide;
  readonly actual: HeldSide;
}

/** A value that changed. */
export interface KeyEvent {
  readonly side: TwinSide;
  readonly value: string | null;
  readonly at: string;
  readonly version: TwinVersion;
  readonly by: string;
}

/** A key after something was heard of it, and what changed. */
export interface Heard {
  readonly held: HeldKey;
  readonly events: readonly KeyEvent[];
}

/** Who is named in events, and the time for what has none, ISO 8601. */
export interface Hearing {
  readonly now: string;
  readonly by: Readonly<Record<TwinSide, string>>;
}

const UNSET: HeldSide = { value: null, at: null, version: NO_VERSION, by: null };
/** The last millisecond of the year 9999: later ones are not written as ISO 8601 in UTC everywhere. */
const LAST_MS = 253_402_300_799_999;

/** A key that has no value yet. */
export function freshKey(type: StoredKey['type'], optional: boolean): HeldKey {
  return { type, optional, leaving: false, expected: UNSET, actual: UNSET };
}

/** A time of a node's clock, which may be anything, as ISO 8601. */
export function momentOf(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_MS)).toISOString();
}

/**
 * A key after its node reported it. The newer version of each side wins; where both sides went on alone, the edge's value does. An
 * actual value that the node set later wins with a lower version too: the node began anew, with an empty store.
 */
export function heardKey(before: HeldKey | undefined, said: StoredKey, hearing: Hearing): Heard {
  const old = before ?? freshKey(said.type, said.optional);
  const isGone = said.type === 'deleted';
  const expected = heardSide('expected', { held: old.expected, said: said.expected, isGone }, hearing);
  const actual = heardSide('actual', { held: old.actual, said: said.actual, isGone }, hearing);
  const hubAhead = isAhead(old.expected.version, said.expected?.version ?? NO_VERSION);
  const type = isGone && hubAhead && !old.leaving ? old.type : said.type;
  return {
    held: {
      type,
      optional: said.optional,
      leaving: old.leaving && hubAhead,
      expected: expected.held,
      actual: actual.held,
    },
    events: [...expected.events, ...actual.events],
  };
}

/** The same for one change on its way from the node, which may be older than what is known. `type`: for a key that is new. */
export function heardChange(before: HeldKey | undefined, change: TwinChange, type: StoredKey['type']): HeldKey {
  const { side, value, at, version, by } = change;
  const old = before ?? freshKey(type, true);
  const said = { version, at, ...(value !== null && { value }) };
  const hearing = { now: momentOf(at), by: { expected: by, actual: by } };
  const { held } = heardSide(side, { held: old[side], said, isGone: value === null }, hearing);
  const next = { ...old, [side]: held };
  const isSettled = side === 'expected' && !isAhead(old.expected.version, version);
  const leaving = old.leaving && !isSettled;
  const isGone = next.expected.value === null && next.actual.value === null && !leaving;
  return { ...next, leaving, type: isGone ? 'deleted' : old.type === 'deleted' ? type : old.type };
}

/** Why a value that came from a node is left out: no node of ours stores such a value. */
export function isSound({ expected, actual }: Pick<StoredKey, 'expected' | 'actual'>): boolean {
  return [expected, actual].every((side) => side?.value === undefined || isTwinValue(side.value));
}

interface SideNews {
  readonly held: HeldSide;
  readonly said: StoredSide | undefined;
  readonly isGone: boolean;
}

function heardSide(
  side: TwinSide,
  { held, said, isGone }: SideNews,
  { now, by }: Hearing,
): { held: HeldSide; events: KeyEvent[] } {
  if (said === undefined) return { held, events: [] };
  const isLater = side === 'actual' && said.at !== undefined && momentOf(said.at) > (held.at ?? '');
  if (isAhead(held.version, said.version) && !isLater) return { held, events: [] };
  const isCleared = isGone && said.value === undefined && held.value !== null;
  if (isSameVersion(held.version, said.version) && !isLater && !isCleared) return { held, events: [] };
  const value = said.value ?? null;
  const at = said.at === undefined ? now : momentOf(said.at);
  const version = side === 'expected' ? highest(held.version, said.version) : said.version;
  return {
    held: { value, at, version, by: by[side] },
    events: [{ side, value, at, version: said.version, by: by[side] }],
  };
}

/** Whether one version is newer than the other for sure. */
function isAhead(one: TwinVersion, other: TwinVersion): boolean {
  return follows(one, other) && !isSameVersion(one, other);
}

function highest(one: TwinVersion, other: TwinVersion): TwinVersion {
  return { cloud: Math.max(one.cloud, other.cloud), edge: Math.max(one.edge, other.edge) };
}
