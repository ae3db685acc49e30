import { EdgeError, problemsOf, type RoutedMessage, routedMessage } from '@selvage/protocol';
import { packr } from './packr.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TRACE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Variables that are told by the message itself, unless a capture of a route has that name. */
const OWN = ['id', 'topic', 'node', 'device'] as const;

/**
 * A message of a route as the body of an outbox's message: a list in a fixed order, since very many of them lie on disks. Ids of the
 * usual form are bytes; what a variable repeats is left out; the payload stays as it is, byte for byte.
 */
export function encodeRouted(message: RoutedMessage): Buffer {
  const { id, topic, node, device, at, traceparent, contentType, vars, hops, payload } = message;
  const trace = traceparent === undefined ? null : shorter(traceparent, TRACE);
  const more = Object.entries(vars).filter(
    ([name, value]) => !OWN.some((own) => own === name && message[own] === value),
  );
  const through = hops?.map((hop) => shorter(hop, UUID)) ?? null;
  return packr.pack([
    ...[shorter(id, UUID), topic, node ?? null, device ?? null, at, trace, contentType ?? null],
    ...[Object.fromEntries(more), through, payload],
  ]);
}

/** @throws EdgeError `bad_request`. */
export function decodeRouted(bytes: Uint8Array): RoutedMessage {
  const list = unpacked(bytes);
  const [id, topic, node, device, at, trace, contentType, vars, hops, payload] = list;
  const given = { id: uuidOf(id), topic, ...present({ node, device }) };
  const parsed = routedMessage.safeParse({
    ...{ ...given, at, payload },
    ...present({ traceparent: traceOf(trace), contentType, hops: Array.isArray(hops) ? hops.map(uuidOf) : undefined }),
    vars: typeof vars === 'object' && vars !== null ? { ...given, ...vars } : vars,
  });
  if (parsed.success) return parsed.data;
  throw new EdgeError('bad_request', `The message does not have the form of a route's: ${problemsOf(parsed.error)}.`);
}

function unpacked(bytes: Uint8Array): unknown[] {
  let value: unknown;
  try {
    value = packr.unpack(bytes);
  } catch (cause) {
    throw new EdgeError('bad_request', 'The message is not MessagePack.', { cause });
  }
  if (Array.isArray(value)) return value;
  throw new EdgeError('bad_request', "The message does not have the form of a route's.");
}

/** Hexadecimal digits as bytes, when a text has just the form. */
function shorter(text: string, form: RegExp): string | Buffer {
  return form.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : text;
}

function uuidOf(value: unknown): unknown {
  if (!(value instanceof Uint8Array) || value.byteLength !== 16) return value;
  return cut(value, [8, 4, 4, 4, 12]);
}

function traceOf(value: unknown): unknown {
  if (!(value instanceof Uint8Array) || value.byteLength !== 26) return value ?? undefined;
  return cut(value, [2, 32, 16, 2]);
}

/** Bytes as hexadecimal digits in parts of these lengths. */
function cut(bytes: Uint8Array, lengths: readonly number[]): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  let at = 0;
  return lengths.map((length) => hex.slice(at, (at += length))).join('-');
}

function present(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
}
