/** Values between programs, which have numbers and booleans, and the protocol, which has texts. Parsers: types are made here. */
import {
  EdgeError,
  isTwinKey,
  isTwinValue,
  type SyncTwin,
  twinSync,
  type TwinType,
  type TwinVersion,
  valueProblem,
} from '@selvage/protocol';
import type { Expected, Model, Property, ReadOf, Scalar } from './model.js';

/** A value as the protocol has it. */
export interface Encoded {
  readonly value: string;
  readonly type: TwinType;
}

/** One key with both sides. `actualVersion` is what `ifVersion` of a report compares. */
export interface TwinKey<V> {
  readonly expected?: V;
  /** When it was set, by the node's clock, epoch milliseconds. */
  readonly expectedAt?: number;
  readonly actual?: V;
  readonly actualVersion?: TwinVersion;
}

/** The twin as the node has it, by key; keys that the model does not know, and values that do not fit it, are left out. */
export type TwinView<M extends Model> = { readonly [K in keyof M]?: TwinKey<ReadOf<M[K]>> };

/** An expected value that the device does not have yet. */
export interface Wish {
  readonly value: Scalar;
  /** Text and time of setting: what tells one wish from the next. */
  readonly mark: string;
}

/** The keys of a twin out of a message of the node; undefined when it is none. */
export function keysOf(message: unknown): [string, SyncTwin][] | undefined {
  const read = twinSync.safeParse(message);
  if (!read.success || !read.data.twin) return undefined;
  return Object.entries(read.data.twin).flatMap(([key, one]) => (one ? [pair(key, one)] : []));
}

function pair(key: string, one: SyncTwin): [string, SyncTwin] {
  return [key, one];
}

/** The twin as programs see it. */
export function viewOf<M extends Model>(model: M | undefined, keys: readonly [string, SyncTwin][]): TwinView<M> {
  const known = keys.filter(([key]) => !model || Object.hasOwn(model, key));
  return Object.fromEntries(known.map(([key, one]) => [key, shown(model, key, one)])) as TwinView<M>;
}

function shown(model: Model | undefined, key: string, { expected, actual, actual_version }: SyncTwin): TwinKey<Scalar> {
  const wanted = expected?.value === undefined ? undefined : decode(model, key, expected.value);
  const is = actual?.value === undefined ? undefined : decode(model, key, actual.value);
  const at = expected?.metadata?.timestamp;
  return {
    ...(wanted !== undefined && { expected: wanted }),
    ...(wanted !== undefined && at !== undefined && { expectedAt: at }),
    ...(is !== undefined && { actual: is }),
    ...(actual_version && { actualVersion: actual_version }),
  };
}

/** What is expected and is not so, by key. `unfit` hears of each value that does not fit the model. */
export function wishesOf(
  model: Model | undefined,
  keys: readonly [string, SyncTwin][],
  unfit: (key: string, text: string) => void,
): Map<string, Wish> {
  const wishes = new Map<string, Wish>();
  for (const [key, { expected, actual }] of keys) {
    const text = expected?.value;
    if (text === undefined || text === '' || text === actual?.value) continue;
    if (model && propertyOf(model, key)?.access === 'r') continue;
    const value = decode(model, key, text);
    if (value !== undefined) wishes.set(key, { value, mark: `${expected?.metadata?.timestamp ?? ''} ${text}` });
    else if (!model || propertyOf(model, key)) unfit(key, text);
  }
  return wishes;
}

/** Wishes as their handler gets them: `wishesOf` has checked each against the model. */
export function expectedOf<M extends Model>(wishes: ReadonlyMap<string, Wish>): Expected<M> {
  return Object.fromEntries([...wishes].map(([key, { value }]) => [key, value])) as Expected<M>;
}

/** Values as the protocol has them. Throws `bad_request` that names the key and the limit that the value breaks. */
export function encode(model: Model | undefined, values: object): Map<string, Encoded> {
  const entries: [string, unknown][] = Object.entries(values);
  if (entries.length === 0) throw new EdgeError('bad_request', 'Nothing to report: name at least one value.');
  return new Map(
    entries.map(([key, value]) => {
      const encoded = encodeOne(model && { property: propertyOf(model, key) }, key, value);
      if (typeof encoded === 'string') throw new EdgeError('bad_request', `${key}: ${encoded}.`);
      return [key, encoded];
    }),
  );
}

/** A text of the protocol as a value of the model; undefined when it does not fit. Without a model it stays a text. */
export function decode(model: Model | undefined, key: string, text: string): Scalar | undefined {
  if (!model) return text;
  const property = propertyOf(model, key);
  if (!property || valueProblem(limitsOf(property), text) !== undefined) return undefined;
  switch (property.type) {
    case 'string':
      return text;
    case 'boolean':
      return text === 'true';
    case 'int':
      return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case 'float':
      return floatOf(text);
  }
}

/** A property of the model itself, nothing that objects inherit. */
function propertyOf(model: Model, key: string): Property | undefined {
  return Object.hasOwn(model, key) ? model[key] : undefined;
}

/** The encoded value, or what is wrong with it. */
function encodeOne(
  known: { property: Property | undefined } | undefined,
  key: string,
  value: unknown,
): Encoded | string {
  if (!isTwinKey(key)) return 'a key has 1 to 128 letters, digits and _ - . , : / @ #';
  if (known && !known.property) return 'the model has no such property';
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return `a value is a string, number or boolean, not ${value === null ? 'null' : typeof value}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value} is not a finite number`;
  const type = known?.property?.type ?? typeOf(value);
  if (typeOf(value) !== (type === 'int' ? 'float' : type)) return `the value is of type ${type}, not ${typeof value}`;
  if (type === 'int' && !Number.isSafeInteger(value)) return `${value} is not a whole number that is exact`;
  const text = String(value);
  if (!isTwinValue(text)) return 'a text has at most 512 letters, digits and _ - . , : / @ # + ? ^ = % & ~ ! *';
  const problem = known?.property && valueProblem(limitsOf(known.property), text);
  return problem === undefined ? { value: text, type } : `${problem}, it is ${text}`;
}

function typeOf(value: Scalar): 'string' | 'float' | 'boolean' {
  if (typeof value === 'number') return 'float';
  return typeof value === 'boolean' ? 'boolean' : 'string';
}

/** The limits, with a list of values that protocol types let be changed. */
function limitsOf({ type, min, max, maxLength, enum: values }: Property): Parameters<typeof valueProblem>[0] {
  return { type, min, max, maxLength, enum: values && [...values] };
}

/** Other programs write `inf` and `nan` as the protocol allows. */
function floatOf(text: string): number {
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return Number(text);
}
