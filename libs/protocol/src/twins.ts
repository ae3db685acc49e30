/** Device twins: what devices send, what a node keeps, and what hub and agent tell each other about it. */
import { z } from 'zod';
import { counter, few, text } from './bounds.js';
import { deviceId } from './topics.js';

/** Largest payload that is read on a twin or state topic, bytes. */
export const MAX_DEVICE_PAYLOAD = 256 * 1024;
/** Most keys of one twin, deleted ones included: they are kept so that their versions go on. */
export const MAX_TWIN_KEYS = 1024;
/** Most devices of one node. */
export const MAX_NODE_DEVICES = 10_000;

const KEY = /^[\w\-.,:/@#]{1,128}$/;
const VALUE = /^[\w\-.,:/@#+?^=%&~!*]{0,512}$/;

/** Whether a text may be the key of a twin. `__proto__` is never one: as a key of an object it would be lost. */
export function isTwinKey(key: string): boolean {
  return KEY.test(key) && key !== '__proto__';
}

/** Whether a text may be a value of a twin; the empty one may. */
export function isTwinValue(value: string): boolean {
  return VALUE.test(value);
}

export const twinKey = z
  .string()
  .max(128)
  .refine(isTwinKey, 'a key has 1 to 128 letters, digits and _ - . , : / @ # and is not __proto__');
export const twinValue = z
  .string()
  .max(512)
  .refine(isTwinValue, 'a value has at most 512 letters, digits and _ - . , : / @ # + ? ^ = % & ~ ! *');

/** Types of a live key; `integer` is another word for `int`. */
export const twinType = z.enum(['string', 'int', 'integer', 'float', 'boolean']);
export type TwinType = z.infer<typeof twinType>;

export const twinSide = z.enum(['expected', 'actual']);
export type TwinSide = z.infer<typeof twinSide>;
export const TWIN_SIDES = twinSide.options;

/** How often each side has set a value. Neither number ever goes down. */
export const twinVersion = z.object({ cloud: counter, edge: counter });
export type TwinVersion = z.infer<typeof twinVersion>;
export const NO_VERSION: TwinVersion = { cloud: 0, edge: 0 };

/** Whether a version may follow another: neither number is lower. */
export function follows(next: TwinVersion, stored: TwinVersion): boolean {
  return next.cloud >= stored.cloud && next.edge >= stored.edge;
}

export function isSameVersion(one: TwinVersion, other: TwinVersion): boolean {
  return one.cloud === other.cloud && one.edge === other.edge;
}

const INTEGER = /^[+-]?\d{1,400}$/;
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?inf(inity)?$|^nan$/i;

/** Why a value is not of a type, in the words that devices know; undefined when it is. */
export function typeProblem(type: string, value: string): string | undefined {
  switch (type) {
    case 'string':
      return undefined;
    case 'int':
    case 'integer':
      return INTEGER.test(value) && fitsInt64(value) ? undefined : 'the value is not int or integer';
    case 'float':
      return FLOAT.test(value) ? undefined : 'the value is not float';
    case 'boolean':
      return value === 'true' || value === 'false' ? undefined : 'the bool value must be true or false';
    default:
      return 'the value type is not allowed';
  }
}

function fitsInt64(digits: string): boolean {
  return BigInt.asIntN(64, BigInt(digits.replace('+', ''))) === BigInt(digits.replace('+', ''));
}

// ---- what devices and apps send and get ----

const eventId = z.string().max(1024);

/** A member that may be left out or be `null`, which say the same, as in the Go programs that devices were written for. */
function loose<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((value): z.output<S> | undefined => value ?? undefined);
}

/** A map by key of a twin or attribute. A member `__proto__` is refused: zod would drop it without a word. */
function keyed<S extends z.ZodType>(item: S) {
  const refused = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__');
  return z
    .unknown()
    .refine((value) => !refused(value), '__proto__ is no key')
    .pipe(z.record(z.string(), item));
}

const typeMember = loose(z.object({ type: loose(z.string().max(64)) }));
const sentValue = z.object({ value: loose(z.string()) });
/** One key as a device sends it. Versions and timestamps are dropped; `if_version` guards what is written. */
export const msgTwin = z.object({
  expected: loose(sentValue),
  actual: loose(sentValue),
  optional: loose(z.boolean()),
  metadata: typeMember,
  if_version: loose(twinVersion),
});
export type MsgTwin = z.output<typeof msgTwin>;

/** What every message has; a client's timestamp is not read. */
export const baseMessage = z.object({ event_id: loose(eventId) });

/** `twin/update`: `null` deletes a key. `if_version` covers every value that the update writes. */
export const deviceTwinUpdate = baseMessage.extend({
  twin: loose(keyed(msgTwin.nullable())),
  if_version: loose(twinVersion),
});
export type DeviceTwinUpdate = z.output<typeof deviceTwinUpdate>;

/** `twin/get`; with `versions` the answer carries the versions too. */
export const deviceTwinGet = baseMessage.extend({ versions: loose(z.boolean()) });
export const deviceStateUpdate = baseMessage.extend({ state: loose(z.string().max(64)) });
/** States that a device may report, in any case of letters. */
export const REPORTED_STATES = ['online', 'offline', 'ok', 'unknown', 'disconnected', 'unhealthy'] as const;

// ---- the same in the words of a cloud written for IEF or KubeEdge ----

const cloudValue = z.object({
  value: loose(z.string()),
  metadata: loose(z.object({ timestamp: loose(z.number()) })),
});
/** One key of a sync; type `deleted` deletes it. */
export const syncTwin = z.object({
  expected: loose(cloudValue),
  actual: loose(cloudValue),
  optional: loose(z.boolean()),
  metadata: typeMember,
  expected_version: loose(twinVersion),
  actual_version: loose(twinVersion),
});
export type SyncTwin = z.output<typeof syncTwin>;
export const twinSync = baseMessage.extend({ twin: loose(keyed(syncTwin.nullable())) });

export const msgAttribute = z.object({
  value: z.string().max(512),
  optional: loose(z.boolean()),
  metadata: typeMember,
});
export type MsgAttribute = z.output<typeof msgAttribute>;
export const attributesUpdate = baseMessage.extend({
  attributes: loose(keyed(msgAttribute.nullable())),
});

export const msgDevice = z.object({
  id: deviceId,
  name: loose(z.string().max(64)),
  description: loose(z.string().max(255)),
  state: loose(z.string().max(64)),
  attributes: loose(keyed(msgAttribute.nullable())),
  twin: loose(keyed(syncTwin.nullable())),
});
export type MsgDevice = z.output<typeof msgDevice>;

const msgDevices = loose(z.array(msgDevice).max(MAX_NODE_DEVICES));
export const membershipUpdate = baseMessage.extend({ added_devices: msgDevices, removed_devices: msgDevices });
export const membershipDetail = baseMessage.extend({ devices: msgDevices });

// ---- what a node keeps ----

/** One side of a key. Without `value` it was never set or is deleted; `at` is the node's clock, epoch milliseconds. */
export const storedSide = z.object({
  value: z.string().max(512).optional(),
  at: z.int().optional(),
  version: twinVersion,
});
export type StoredSide = z.infer<typeof storedSide>;

/** One key of a twin. A deleted key stays, so that its versions go on. */
export const storedKey = z.object({
  type: z.enum([...twinType.options, 'deleted']),
  optional: z.boolean(),
  expected: storedSide.optional(),
  actual: storedSide.optional(),
});
export type StoredKey = z.infer<typeof storedKey>;
export const storedTwin = z.record(twinKey, storedKey);
export type StoredTwin = z.infer<typeof storedTwin>;

// ---- desired: section `twins` ----

/** An expected value as the hub wants it; `value: null` deletes the key. */
export const desiredValue = z.object({
  value: twinValue.nullable(),
  version: twinVersion,
  /** For a key that no model defines. */
  type: twinType.optional(),
  optional: z.boolean().optional(),
});
export type DesiredValue = z.infer<typeof desiredValue>;

export const desiredTwins = z.object({
  devices: z.array(z.object({ id: deviceId, expected: z.record(twinKey, desiredValue) })).max(MAX_NODE_DEVICES),
});
export type DesiredTwins = z.infer<typeof desiredTwins>;

// ---- reported: section `twins`, the latest of each key ----

export const reportedDevice = z.object({
  id: deviceId,
  /** As the device said it, one of `REPORTED_STATES`, in its own case of letters. */
  state: text(64),
  /** When the device last said that it is online, epoch milliseconds. */
  lastOnlineAt: z.int().optional(),
  twin: few(storedTwin, 2 * MAX_TWIN_KEYS),
});
export type ReportedDevice = z.infer<typeof reportedDevice>;
export const reportedTwins = z.object({ devices: z.array(reportedDevice).max(MAX_NODE_DEVICES) });
export type ReportedTwins = z.infer<typeof reportedTwins>;

/** Names of the sections in which a node reports its twins. */
export const TWIN_SECTION = /^twins(\.[0-9a-f]{2})?$/;

/**
 * Section in which a device is reported, `twins.00` to `twins.ff` by a hash of its id: each fits a frame, and a change of one device
 * does not send all others again.
 */
export function twinBucket(id: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  const folded = (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff;
  return `twins.${folded.toString(16).padStart(2, '0')}`;
}

// ---- desired: section `encrypted` ----

/** Values that clients with a certificate may ask for in IEF's way, by encrypted data and property. */
export const desiredEncrypted = z.object({
  datas: z.array(z.object({ name: deviceId, properties: z.record(deviceId, z.string().max(4096)) })).max(1000),
});
export type DesiredEncrypted = z.infer<typeof desiredEncrypted>;

/** One value that changed. `value` is null when the key was deleted; `by` names who did it: `hub`, a device or an app. */
export const twinChange = z.object({
  device: deviceId,
  key: twinKey,
  side: twinSide,
  value: z.string().max(512).nullable(),
  /** Epoch milliseconds of the node's clock. */
  at: z.int(),
  version: twinVersion,
  by: z.string().max(128),
});
export type TwinChange = z.infer<typeof twinChange>;
/** Changes on their way to the hub, oldest first. */
export const twinChanges = z.object({ changes: z.array(twinChange).max(1000) });
export type TwinChanges = z.infer<typeof twinChanges>;
