import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { EdgeError, type RouteSpec, SIGNED_SECONDS, signedText } from '@selvage/protocol';
import { type Captures, fill, readPath } from '@selvage/routes';

/** A name and its value. */
export type Header = [name: string, value: string];

const MAX_TARGET = 4096;
const MAX_HEADERS = 100;
const MAX_VALUE = 8192;
/** Said of one connection and not of the message [RFC 9110, 7.6.1]. */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'],
]);
/** For the hub alone, or made anew on the way. */
const NOT_PASSED = /^(authorization|selvage-.*|host|content-length|expect|x-forwarded-(for|host|proto))$/;
const PARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A request to the gateway by its address, all as it came. */
export interface GatewayTarget {
  readonly project: string;
  readonly path: string;
  /** With its `?`; empty without. */
  readonly query: string;
}

/** Takes `/gateway/{project}/{path…}` apart. @throws EdgeError `bad_request` for a path that leads somewhere else than it seems to. */
export function targetIn(url: string): GatewayTarget {
  const [, project = '', path = '', query = ''] = /^\/[^/]*\/([^/?]*)([^?]*)(.*)$/s.exec(url) ?? [];
  if (path.length + query.length > MAX_TARGET) throw tooLong();
  if (path.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment)))
    throw new EdgeError('bad_request', 'The path has a segment that is "." or "..".');
  return { project, path: path === '' ? '/' : path, query };
}

/** Path at the service: the target's, or what the route's `{name...}` stands for, or the path of the request. */
export function servicePath({ source, target }: RouteSpec, { path, query }: GatewayTarget, vars: Captures): string {
  const filled = target.path === undefined ? restOf(source, vars, path) : fill(target.path, vars);
  const whole = filled.includes('?') && query !== '' ? `${filled}&${query.slice(1)}` : `${filled}${query}`;
  if (whole.length > MAX_TARGET) throw tooLong();
  return whole;
}

function tooLong(): EdgeError {
  return new EdgeError('bad_request', `Path and query have at most ${MAX_TARGET} characters.`);
}

function restOf(source: RouteSpec['source'], captures: Captures, path: string): string {
  const last = source.endpoint === 'rest' ? readPath(source.path).segments.at(-1) : undefined;
  return last !== undefined && 'rest' in last ? `/${captures[last.rest] ?? ''}` : path;
}

/** What a service is told of a request. `raw`: names and values in turn. @throws EdgeError `bad_request` for too many, or too long ones. */
export function passedOn(
  raw: readonly string[],
  from: { readonly peer: string; readonly traceparent: string },
): Header[] {
  const all = lowered(raw);
  const value = (name: string): string | undefined => all.find(([one]) => one === name)?.[1];
  const passed: Header[] = endToEnd(all).filter(([name]) => !NOT_PASSED.test(name) && name !== 'traceparent');
  const before = all.filter(([name]) => name === 'x-forwarded-for').map(([, text]) => text);
  passed.push(
    ['x-forwarded-for', [...before, from.peer].join(', ')],
    ['x-forwarded-host', value('x-forwarded-host') ?? value('host') ?? ''],
    ['x-forwarded-proto', value('x-forwarded-proto') ?? 'http'],
    ['traceparent', from.traceparent],
  );
  if (passed.length > MAX_HEADERS) throw new EdgeError('bad_request', `A request has at most ${MAX_HEADERS} headers.`);
  const long = passed.find(([name, text]) => name.length > 256 || text.length > MAX_VALUE);
  if (long !== undefined) throw new EdgeError('bad_request', `The header ${long[0].slice(0, 64)} is too long.`);
  return passed;
}

/** What a caller is told of a service's answer. */
export function passedBack(headers: readonly (readonly [string, string])[]): Header[] {
  return endToEnd(headers.map(([name, value]): Header => [name.toLowerCase(), value]));
}

function endToEnd(all: readonly Header[]): Header[] {
  const named = all.filter(([name]) => name === 'connection').flatMap(([, value]) => value.toLowerCase().split(','));
  const dropped = new Set(named.map((name) => name.trim()));
  return all.filter(([name]) => !HOP_BY_HOP.has(name) && !dropped.has(name));
}

function lowered(raw: readonly string[]): Header[] {
  const all: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) all.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return all;
}

/** The trace that a request belongs to, when it says so in a way that can be read [W3C Trace Context]. */
export function traceOf(header: string | undefined): string | undefined {
  return header !== undefined && PARENT.test(header) ? header : undefined;
}

/** A request whose signature is to be checked. `now`: epoch milliseconds. */
export interface Signed {
  readonly timestamp: string;
  readonly method: string;
  readonly target: string;
  readonly signature: string;
}

/** Whether a request was signed a moment ago. */
export function isFresh(timestamp: string, now: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(Number(timestamp) - now / 1000) <= SIGNED_SECONDS;
}

export function isSignedWith(key: string, { signature, ...request }: Signed, body: Uint8Array): boolean {
  const given = /^v1=([0-9a-f]{64})$/.exec(signature)?.[1];
  if (given === undefined) return false;
  const wanted = createHmac('sha256', key).update(signedText(request)).update(body).digest();
  return timingSafeEqual(wanted, Buffer.from(given, 'hex'));
}

/** Id of the message of a request that its caller has named: always the same. */
export function idFor(uid: string, key: string): string {
  return createHash('sha256').update(`${uid}\n${key}`).digest('hex').slice(0, 32);
}

/** Whether two requests of one name are the same. */
export function fingerprint({ method, target }: Pick<Signed, 'method' | 'target'>, body: Uint8Array): string {
  return createHash('sha256').update(`${method}\n${target}\n`).update(body).digest('hex');
}
