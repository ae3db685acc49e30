import type { Endpoint } from '@selvage/protocol';
import type { CallOptions } from './call-input.js';

/** What a call gives, of any endpoint: what is in it was checked by the types of whoever calls. */
export interface RawInput extends CallOptions {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/** URL of a call: the path with its parameters filled in, and the query. What is undefined is left out. */
export function urlOf(base: string, endpoint: Endpoint, { params, query }: RawInput): string {
  const given = new Map(entries(params));
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_all, key: string) => encodeURIComponent(given.get(key) ?? ''));
  const search = new URLSearchParams(entries(query)).toString();
  return `${base.replace(/\/+$/, '')}${path}${search === '' ? '' : `?${search}`}`;
}

/** Method, headers and body of a call. A redirect is an error: following it would turn a `PUT` into a `GET`. */
export function requestOf(endpoint: Endpoint, input: RawInput, token: string | undefined): RequestInit {
  const headers: Record<string, string> = { accept: ACCEPT[endpoint.stream ?? 'json'] };
  if (token !== undefined && token !== '') headers.authorization = `Bearer ${token}`;
  if (input.ifMatch !== undefined) headers['if-match'] = `"${input.ifMatch}"`;
  if (input.body === undefined) return { method: endpoint.method, headers, redirect: 'error' };
  headers['content-type'] = 'application/json';
  return { method: endpoint.method, headers, redirect: 'error', body: JSON.stringify(input.body) };
}

const ACCEPT = { json: 'application/json', text: 'text/plain, application/json', events: 'text/event-stream' };

function entries(values: unknown): [string, string][] {
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, String(value)]);
}
