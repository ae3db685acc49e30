import { createHmac } from 'node:crypto';
import { Away, type Outcome } from '@selvage/outbox';
import { EdgeError } from '@selvage/protocol';
import { aboutOf } from './about.js';
import { failed, rejected } from './away.js';
import { type HttpAnswer, HttpDoor } from './http-post.js';
import { inOrder } from './in-order.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';

/** Segments that URLs take for "here" and "up", by themselves or once they are decoded. */
const CLIMBS = /^(\.|%2e){1,2}$|[\\\t\r\n]/i;

type Spec = Parameters<(typeof webhook)['open']>[0]['spec'];

/** Answers by which nobody takes any message now: no message is to blame. */
const AWAY = new Set([401, 403, 404, 407, 408, 410, 425, 429, 502, 503, 504]);

/** Answers by which a caller is not let in. */
const DENIED = new Set([401, 403, 407]);

/** `POST` to a URL, one request per message, signed as Standard Webhooks says. */
export const webhook: Kind<'webhook'> = {
  kind: 'webhook',
  open: (given) => new Webhook(given),
  problem: (_spec, target) => (target.topic === undefined ? undefined : 'a webhook has no topic; use path'),
};

class Webhook implements Target {
  private readonly door: HttpDoor;
  private readonly spec: Spec;

  constructor(private readonly given: Given<Spec>) {
    this.spec = given.spec;
    this.door = new HttpDoor(given.reach, given.spec.ca);
  }

  deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    return inOrder(batch, (one) => this.post(one, signal));
  }

  async test(signal: AbortSignal): Promise<void> {
    const url = new URL(this.spec.url);
    const { authorization } = this.given.credentials;
    const headers = { ...this.spec.headers, ...(authorization !== undefined && { authorization }) };
    const timeoutMs = this.spec.timeoutSeconds * 1000;
    const { status } = await this.door.call({ method: 'HEAD', url, headers, timeoutMs, signal });
    // Many know no HEAD, and say so with 404 or 405: they can be reached.
    if (status >= 500 || DENIED.has(status)) throw new EdgeError('endpoint_failed', `${url.host} answered ${status}.`);
  }

  close(): Promise<void> {
    this.door.close();
    return Promise.resolve();
  }

  private async post({ message, path }: Outgoing, signal: AbortSignal): Promise<Outcome> {
    const url = new URL(this.spec.url);
    if (path !== undefined) {
      const segments = path.split('/');
      if (segments.some((segment) => CLIMBS.test(segment)))
        return rejected(`The path "${path}" leaves that of the URL.`);
      url.pathname = `${url.pathname.replace(/\/$/, '')}${segments.map(escapedSegment).join('/')}`;
    }
    const call = { url, headers: this.headers(message), body: message.payload, signal } as const;
    const answer = await this.door.call({ ...call, method: 'POST', timeoutMs: this.spec.timeoutSeconds * 1000 });
    return outcomeOf(url, answer, this.given.clock.now());
  }

  private headers(message: Outgoing['message']): Record<string, string> {
    const { credentials, clock } = this.given;
    const { id, payload } = message;
    const timestamp = String(Math.floor(clock.now() / 1000));
    const { signing, authorization } = credentials;
    return {
      ...this.spec.headers,
      ...aboutOf(message),
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(authorization !== undefined && { authorization }),
      ...(signing !== undefined && { 'webhook-signature': signature(signing, { id, timestamp, payload }) }),
    };
  }
}

/** `v1,` and the HMAC with SHA-256 over `id.timestamp.payload`, Base64. A secret that begins with `whsec_` is Base64 itself. */
export function signature(
  secret: string,
  { id, timestamp, payload }: { id: string; timestamp: string; payload: Uint8Array },
): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(payload).digest('base64')}`;
}

/** A status is believed: only 2xx means that the message has arrived. @throws Away. */
function outcomeOf({ host }: URL, { status, headers, body }: HttpAnswer, now: number): Outcome {
  if (status >= 200 && status < 300) return { is: 'delivered' };
  const said = body.trim().slice(0, 200);
  const to = status < 400 ? ` (to ${String(headers.location).slice(0, 200)}; redirects are not followed)` : '';
  const detail = `${host} answered ${status}${to}${said === '' ? '' : `: ${said}`}`;
  if (status < 400 || AWAY.has(status)) throw new Away(detail, { retryAfterMs: waitOf(headers['retry-after'], now) });
  return status >= 500 ? failed(detail) : rejected(detail);
}

const MAX_WAIT_MS = 3_600_000;

/** Milliseconds to wait; the header has seconds or a date. */
function waitOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}

/** A segment as text in a path; what is escaped already stays as it is. */
function escapedSegment(segment: string): string {
  return encodeURI(Buffer.from(segment).toString()).replaceAll('%25', '%').replace(/[?#]/g, encodeURIComponent);
}
