import { z } from 'zod';
import { clientGrants, grants } from './grants.js';
import { name, sha256Hex, timestamp } from './ids.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';
import { deviceId } from './topics.js';
import {
  MAX_NODE_DEVICES,
  storedSide,
  twinChange,
  twinKey,
  twinSide,
  twinType,
  twinValue,
  typeProblem,
} from './twins.js';

// ---- properties and attributes ----

/** Types of a property in a model. */
export const propertyType = z.enum(['string', 'int', 'float', 'boolean']);

/**
 * A property of a device: what its twin may hold under one key. `min` and `max` are for numbers, `maxLength` counts bytes of a
 * string, `enum` lists the only values. A property of access `r` is reported by the device and has no expected value.
 */
export const deviceProperty = z
  .strictObject({
    type: propertyType,
    access: z.enum(['r', 'rw']).default('rw'),
    description: z.string().max(255).default(''),
    unit: z.string().max(32).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    maxLength: z.int().min(1).max(512).optional(),
    enum: z.array(twinValue).min(1).max(64).optional(),
    /** Whether a client may delete the key. */
    optional: z.boolean().default(true),
  })
  .superRefine((property, context) => {
    for (const message of contradictions(property)) context.addIssue({ code: 'custom', message });
  });
export type DeviceProperty = z.infer<typeof deviceProperty>;

function* contradictions({ type, min, max, maxLength, enum: values = [] }: DeviceProperty): Generator<string> {
  const isNumber = type === 'int' || type === 'float';
  if (!isNumber && (min !== undefined || max !== undefined)) yield 'min and max are for int and float';
  if (type !== 'string' && maxLength !== undefined) yield 'maxLength is for string';
  if (min !== undefined && max !== undefined && min > max) yield 'min is above max';
  for (const value of values) if (typeProblem(type, value) !== undefined) yield `enum: ${value} is no ${type}`;
}

/** The limits of a property that a value can break. */
export type PropertyLimits = Pick<DeviceProperty, 'type' | 'min' | 'max' | 'maxLength' | 'enum'>;

/** Why a value does not fit a property; undefined when it does. The type comes first, in the words that devices know. */
export function valueProblem(property: PropertyLimits, value: string): string | undefined {
  const { type, min, max, maxLength, enum: allowed } = property;
  const wrongType = typeProblem(type, value);
  if (wrongType !== undefined) return wrongType;
  const number = Number(value);
  if (min !== undefined && !(number >= min)) return `the value is below the minimum ${min}`;
  if (max !== undefined && !(number <= max)) return `the value is above the maximum ${max}`;
  if (maxLength !== undefined && value.length > maxLength) return `the value has more than ${maxLength} characters`;
  if (allowed && !allowed.includes(value)) return `the value is not one of ${allowed.join(', ')}`;
  return undefined;
}

/** A fixed fact about a device, such as its address or serial number. */
export const deviceAttribute = z
  .strictObject({
    value: z.string().max(512),
    type: twinType.default('string'),
    optional: z.boolean().default(true),
  })
  .refine(({ type, value }) => typeProblem(type, value) === undefined, 'the value is not of the type');
export type DeviceAttribute = z.infer<typeof deviceAttribute>;

const properties = limited(deviceProperty, 512);
const attributes = limited(deviceAttribute, 128);

/** A map by twin key with a greatest number of entries. */
function limited<S extends z.ZodType>(item: S, most: number) {
  return z.record(twinKey, item).refine((all) => Object.keys(all).length <= most, `at most ${most} entries`);
}

// ---- how a mapper reaches a device ----

const setting = z.union([z.string().max(4096), z.number(), z.boolean()]);
const SECRET_SETTING = /^(password|private_?key)$/i;
const settings = z
  .record(twinKey, setting)
  .refine((all) => Object.keys(all).length <= 32, 'at most 32 settings')
  .refine((all) => !Object.keys(all).some((key) => SECRET_SETTING.test(key)), 'put passwords and keys into a secret');

export const accessProtocol = z.enum(['custom', 'modbus', 'opc-ua']);

/**
 * How to reach a device that does not speak MQTT; the platform hands it on to the mapper and does not read it. Modbus: slave_id,
 * ip, port or serial_port, baud_rate, data_bits, stop_bits, parity, timeout. OPC UA: url, sec_mode, sec_policy, auth_type, username.
 */
export const deviceAccess = z.strictObject({
  protocol: accessProtocol.default('custom'),
  settings: settings.default({}),
  /** Secret with the password or key. */
  secret: name.optional(),
});
export type DeviceAccess = z.infer<typeof deviceAccess>;

/** Per property how a mapper reads it: register_type, register_index, scale, node_id, … */
const visitors = limited(settings, 512);

// ---- models ----

export const deviceModelSpec = z.strictObject({
  description: z.string().max(255).default(''),
  protocol: accessProtocol.default('custom'),
  properties: properties.default({}),
  attributes: attributes.default({}),
  visitors: visitors.default({}),
});
export type DeviceModelSpec = z.infer<typeof deviceModelSpec>;

export const deviceModelStatus = z.object({ devices: z.int().nonnegative() });
export const deviceModel = resource(deviceModelSpec, deviceModelStatus);
export type DeviceModel = z.infer<typeof deviceModel>;
export const deviceModelWrite = write(deviceModelSpec);
export const deviceModelPage = page(deviceModel);
export const deviceModelPatch = mergePatch;
export const deviceModelList = listQuery;

// ---- devices ----

/** A device, bound to one node at most. Its own properties and attributes win over those of the model. */
export const deviceSpec = z.strictObject({
  /** Identity on the broker, the device's name unless given; it cannot change. */
  id: deviceId.optional(),
  displayName: z.string().max(64).default(''),
  description: z.string().max(255).default(''),
  model: name.optional(),
  node: name.optional(),
  properties: properties.default({}),
  attributes: attributes.default({}),
  access: deviceAccess.optional(),
  visitors: visitors.default({}),
  /** What the device may publish and subscribe beyond its own twin. */
  grants: clientGrants.prefault({}),
});
export type DeviceSpec = z.infer<typeof deviceSpec>;

export const deviceState = z.enum(['online', 'offline', 'unknown']);
export type DeviceState = z.infer<typeof deviceState>;

/** What a state that a device reported means. */
export function stateOf(reported: string): DeviceState {
  const state = reported.toLowerCase();
  if (state === 'online' || state === 'ok') return 'online';
  return state === 'offline' || state === 'disconnected' ? 'offline' : 'unknown';
}

const shownSide = storedSide
  .extend({ value: z.string().max(512), at: timestamp })
  .extend({ by: z.string().optional() });

/** One key with both sides next to each other. `pending`: an expected value that the device has not taken yet. */
export const shownKey = z.object({
  type: twinType,
  optional: z.boolean(),
  access: z.enum(['r', 'rw']),
  unit: z.string().optional(),
  expected: shownSide.optional(),
  actual: shownSide.optional(),
  pending: z.boolean(),
});
export type ShownKey = z.infer<typeof shownKey>;

export const deviceStatus = z.object({
  id: deviceId,
  state: deviceState,
  /** The state in the device's own word. */
  reported: z.string().optional(),
  lastSeenAt: timestamp.optional(),
  twin: z.record(twinKey, shownKey),
});
export type DeviceStatus = z.infer<typeof deviceStatus>;

export const device = resource(deviceSpec, deviceStatus);
export type Device = z.infer<typeof device>;
export const deviceWrite = write(deviceSpec);
export const devicePage = page(device);
export const devicePatch = mergePatch;
export const deviceList = listQuery.extend({
  node: name.optional(),
  model: name.optional(),
  state: deviceState.optional(),
});

/** `PUT …/devices/{name}/expected`: key → value, or null to delete the key. Numbers and booleans stand for their text. */
export const expectedWrite = z
  .record(twinKey, z.union([twinValue, z.number(), z.boolean()]).nullable())
  .refine((all) => Object.keys(all).length <= 512, 'at most 512 values');
export type ExpectedWrite = z.infer<typeof expectedWrite>;

/** `GET …/devices/{name}/history`, newest first. */
export const historyQuery = z.strictObject({
  key: twinKey.optional(),
  side: twinSide.optional(),
  since: timestamp.optional(),
  until: timestamp.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(512).optional(),
});
export type HistoryQuery = z.infer<typeof historyQuery>;
export const historyItem = twinChange.omit({ device: true }).extend({ at: timestamp });
export const historyPage = page(historyItem);
export type HistoryItem = z.infer<typeof historyItem>;

/** A user name and password for a device or app that cannot use a certificate. */
export const loginWrite = z.strictObject({
  username: z.string().min(1).max(64),
  password: z.string().min(12, 'a password has at least 12 characters').max(256),
});

// ---- desired: section `devices` ----

/** What proves who a client is: certificates by the SHA-256 of their DER, and logins with the scrypt hash of the password. */
export const clientCredentials = z.object({
  fingerprints: z.array(sha256Hex).max(16),
  logins: z.array(z.object({ username: z.string().min(1).max(64), passwordHash: z.string().max(512) })).max(16),
});
export type ClientCredentials = z.infer<typeof clientCredentials>;

/** A device bound to the node. `properties` and `attributes` are those of its model and its own together. */
export const desiredDevice = z.object({
  id: deviceId,
  name: z.string().max(64),
  description: z.string().max(255),
  properties,
  attributes,
  access: deviceAccess.optional(),
  visitors,
  credentials: clientCredentials,
  grants: grants.default({ publish: [], subscribe: [] }),
});
export type DesiredDevice = z.infer<typeof desiredDevice>;

/** An app that talks to the node's broker. */
export const desiredClient = z.object({ name, credentials: clientCredentials, grants });
export type DesiredClient = z.infer<typeof desiredClient>;

export const desiredDevices = z.object({
  devices: z.array(desiredDevice).max(MAX_NODE_DEVICES),
  clients: z.array(desiredClient).max(1000),
});
export type DesiredDevices = z.infer<typeof desiredDevices>;
