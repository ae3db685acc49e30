import {
  type DesiredValue,
  EdgeError,
  type ExpectedWrite,
  type ShownKey,
  type TwinType,
  twinType,
  typeProblem,
  valueProblem,
} from '@selvage/protocol';
import { freshKey, type HeldKey, type HeldSide } from './held.rules.js';

/** What is to be known of a property here. */
export interface TwinProperty {
  readonly type: TwinType;
  readonly access: 'r' | 'rw';
  readonly optional: boolean;
  readonly unit?: string | undefined;
}
type Properties = Readonly<Record<string, TwinProperty & Parameters<typeof valueProblem>[0]>>;
type Keys = ReadonlyMap<string, HeldKey>;

/** Bytes of an expected value in a node's section, beside those of key and value. */
const OVERHEAD = 80;
const SHOWN_KEYS = 10;

/** A twin as the API shows it: every property, and every other key that has a value. */
export function shownTwin(properties: Readonly<Record<string, TwinProperty>>, keys: Keys): Record<string, ShownKey> {
  const live = [...keys].flatMap(([key, held]) => (hasValue(held) ? [key] : []));
  const all = [...new Set([...Object.keys(properties), ...live])].sort();
  return Object.fromEntries(all.map((key) => [key, shownKey(properties[key], keys.get(key))]));
}

function shownKey(property: TwinProperty | undefined, held: HeldKey | undefined): ShownKey {
  const type = property?.type ?? twinType.catch('string').parse(held?.type);
  const expected = shownSide(held?.expected);
  const actual = shownSide(held?.actual);
  const isLeaving = held?.leaving === true && actual !== undefined;
  return {
    type,
    optional: property?.optional ?? held?.optional ?? true,
    access: property?.access ?? 'rw',
    ...(property?.unit !== undefined && { unit: property.unit }),
    ...(expected && { expected }),
    ...(actual && { actual }),
    pending: isLeaving || (expected !== undefined && expected.value !== actual?.value),
  };
}

function shownSide(held: HeldSide | undefined): ShownKey['expected'] {
  if (held === undefined || held.value === null || held.at === null) return undefined;
  const { value, at, version, by } = held;
  return { value, at, version, ...(by !== null && { by }) };
}

/** The expected values that a node is to have, deletions that it has not confirmed included. */
export function desiredValues(keys: Keys): Record<string, DesiredValue> {
  const wanted = [...keys].flatMap(([key, { type, optional, leaving, expected }]): [string, DesiredValue][] => {
    if (expected.value === null && !leaving) return [];
    const named = type === 'deleted' || type === 'string' ? {} : { type };
    const { value, version } = expected;
    return [[key, { value, version, ...named, ...(optional ? {} : { optional }) }]];
  });
  return Object.fromEntries(wanted.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Bytes that they take. */
export function weightOf(keys: Keys): number {
  const all = Object.entries(desiredValues(keys));
  return all.reduce(
    (sum, [key, { value }]) => sum + key.length + (value?.length ?? 0) + OVERHEAD,
    all.length > 0 ? OVERHEAD : 0,
  );
}

/** Who sets expected values, and when, ISO 8601. */
export interface Setting {
  readonly by: string;
  readonly at: string;
}

/** A key with a new expected value, or with null as one that is to be deleted; its version goes on. */
export function withExpected(before: HeldKey, value: string | null, { by, at }: Setting): HeldKey {
  const { cloud, edge } = before.expected.version;
  const expected = { value, at, version: { cloud: cloud + 1, edge }, by };
  return { ...before, expected, leaving: value === null };
}

/**
 * The keys that a write of expected values changes; the value that a key has already changes nothing.
 * @throws EdgeError `bad_request` with a line for each key that cannot be set.
 */
export function planned(
  { properties, keys }: { properties: Properties; keys: Keys },
  write: ExpectedWrite,
  setting: Setting,
): Map<string, HeldKey> {
  const problems: string[] = [];
  const changed = new Map<string, HeldKey>();
  for (const [key, given] of Object.entries(write)) {
    const held = keys.get(key);
    const value = given === null ? null : String(given);
    const problem =
      value === null
        ? deletionProblem(properties, key)
        : (roundingProblem(properties[key]?.type ?? held?.type, given) ??
          writeProblem({ properties, key, held }, value));
    if (problem !== undefined) problems.push(`${key}: ${problem}`);
    else if (!isSet(held, value)) changed.set(key, withExpected(keyFor(properties[key], held, given), value, setting));
  }
  if (problems.length === 0) return changed;
  throw new EdgeError('bad_request', problems.slice(0, SHOWN_KEYS * 2).join('\n'));
}

function isSet(held: HeldKey | undefined, value: string | null): boolean {
  if (value !== null) return held?.expected.value === value;
  return held === undefined || held.leaving || !hasValue(held);
}

function hasValue({ expected, actual }: HeldKey): boolean {
  return expected.value !== null || actual.value !== null;
}

function deletionProblem(properties: Properties, key: string): string | undefined {
  return properties[key]?.optional === false ? 'is not optional and cannot be deleted' : undefined;
}

/** JSON's numbers are read as floating point, which has no room for large whole ones. */
function roundingProblem(type: string | undefined, given: unknown): string | undefined {
  if (type === 'float' || !Number.isInteger(given) || Number.isSafeInteger(given)) return undefined;
  return 'a whole number beyond 9007199254740991 is rounded on its way here: write it in quotes, as text';
}

function writeProblem(
  { properties, key, held }: { properties: Properties; key: string; held: HeldKey | undefined },
  value: string,
): string | undefined {
  const property = properties[key];
  if (property?.access === 'r') return 'is reported by the device and has no expected value';
  if (property) return valueProblem(property, value);
  if (held !== undefined && held.type !== 'deleted') return typeProblem(held.type, value);
  const known = Object.keys(properties);
  if (known.length === 0) return undefined;
  const more = known.length > SHOWN_KEYS ? ' and more' : '';
  return `is no property of the device; it has ${known.slice(0, SHOWN_KEYS).join(', ')}${more}`;
}

/** The key as it is before the write: with the type of its property, its own, or that of the value. */
function keyFor(property: TwinProperty | undefined, held: HeldKey | undefined, given: unknown): HeldKey {
  if (property) return { ...(held ?? freshKey(property.type, property.optional)), type: property.type };
  const live = held !== undefined && held.type !== 'deleted' ? held.type : typeOf(given);
  return { ...(held ?? freshKey(live, true)), type: live };
}

function typeOf(given: unknown): TwinType {
  if (typeof given === 'boolean') return 'boolean';
  if (typeof given === 'number') return Number.isInteger(given) ? 'int' : 'float';
  return 'string';
}
