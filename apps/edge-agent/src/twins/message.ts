/** Reads what clients and the cloud send: any bytes in, a checked message or a reason out; nothing is thrown. */
import {
  baseMessage,
  deviceTwinUpdate,
  isTwinKey,
  isTwinValue,
  MAX_DEVICE_PAYLOAD,
  MAX_TWIN_KEYS,
  type MsgTwin,
  TWIN_SIDES,
  type TwinVersion,
} from '@selvage/protocol';
import type { z } from 'zod';

export type Payload = string | Uint8Array;

export const UNREADABLE = 'Unmarshal update request body failed, please check the request';
const NO_TWIN = 'Update twin error, key:twin does not exist';
const BAD_KEY =
  'The key of twin must only include upper or lowercase letters, number, english, and special letter - _ . , : / @ # ' +
  'and the length of key should be less than 128 bytes';
const BAD_VALUE =
  'The value of twin must only include upper or lowercase letters, number, english, and special letter - _ . , : / @ # ' +
  'and the length of value should be less than 512 bytes';

/** Why something is not done, as it is answered. */
export interface Refusal {
  readonly code: 400 | 404 | 409;
  readonly reason: string;
}

/** `eventId` is empty when the sender gave none or it cannot be read. */
export type Read<T> =
  { readonly eventId: string; readonly body: T } | { readonly eventId: string; readonly refusal: Refusal };

/** One key of an update; a side that is absent is not written. */
export interface KeyUpdate {
  readonly expected?: string | undefined;
  readonly actual?: string | undefined;
  readonly optional?: boolean | undefined;
  readonly type?: string | undefined;
  readonly ifVersion?: TwinVersion | undefined;
}

/** An update whose keys and values are well formed; `null` deletes a key. */
export interface Update {
  readonly keys: ReadonlyMap<string, KeyUpdate | null>;
  readonly ifVersion?: TwinVersion | undefined;
}

/** Reads a payload with a schema; what does not fit is refused with `reason`. */
export function readMessage<S extends z.ZodType>(schema: S, payload: Payload, reason = UNREADABLE): Read<z.output<S>> {
  const raw = parseJson(payload);
  const read = schema.safeParse(raw ?? {});
  const eventId = raw === undefined ? '' : (baseMessage.safeParse(raw ?? {}).data?.event_id ?? '');
  if (raw === undefined || !read.success) return { eventId, refusal: { code: 400, reason } };
  return { eventId, body: read.data };
}

/** Reads the payload of a `twin/update`. */
export function readUpdate(payload: Payload): Read<Update> {
  const read = readMessage(deviceTwinUpdate, payload);
  if ('refusal' in read) return read;
  const { eventId, body } = read;
  if (!body.twin) return refuse(eventId, NO_TWIN);
  const entries = Object.entries(body.twin);
  if (entries.length > MAX_TWIN_KEYS) return refuse(eventId, `an update has at most ${MAX_TWIN_KEYS} keys`);
  for (const [key, sent] of entries) {
    const reason = isTwinKey(key) ? (sent ? valueReason(key, sent) : undefined) : BAD_KEY;
    if (reason !== undefined) return refuse(eventId, reason);
  }
  const keys = new Map(entries.map(([key, sent]) => [key, sent && keyUpdate(sent)]));
  return { eventId, body: { keys, ifVersion: body.if_version } };
}

/** A payload as text for an answer: its beginning only. */
export function excerpt(payload: Payload): string {
  const text = typeof payload === 'string' ? payload : new TextDecoder().decode(payload.subarray(0, 1024));
  return text.slice(0, 256);
}

function keyUpdate({ expected, actual, optional, metadata, if_version: ifVersion }: MsgTwin): KeyUpdate {
  return { expected: expected?.value, actual: actual?.value, optional, type: metadata?.type, ifVersion };
}

function valueReason(key: string, sent: MsgTwin): string | undefined {
  for (const side of TWIN_SIDES) {
    const given = sent[side];
    if (!given) continue;
    if (given.value === undefined) return `Update twin error, key:${key} has no value in ${side}`;
    if (!isTwinValue(given.value)) return BAD_VALUE;
  }
  return undefined;
}

function refuse(eventId: string, reason: string): Read<never> {
  return { eventId, refusal: { code: 400, reason } };
}

/** Undefined when it is no JSON, too long or no UTF-8. */
function parseJson(payload: Payload): unknown {
  if (payload.length > MAX_DEVICE_PAYLOAD) return undefined;
  try {
    const text = typeof payload === 'string' ? payload : new TextDecoder('utf-8', { fatal: true }).decode(payload);
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
