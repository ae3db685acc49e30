import { createHmac } from 'node:crypto';
import { Away, type Outcome } from '@selvage/outbox';
import { EdgeError } from '@selvage/protocol';
import { type HttpAnswer, HttpDoor } from './http-post.js';
import { inOrder } from './in-order.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';

type Spec = Parameters<(typeof webhook)['open']>[0]['spec'];

/** Answers by which nobody takes any message now: no message is to blame. */
const AWAY = new Set([401, 403, 404, 407, 408, 410, 425, 429, 502, 503, 504]);

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
    const { timeoutSeconds, headers } = this.spec;
    const call = { method: 'HEAD', url, headers, timeoutMs: timeoutSeconds * 1000, signal } as const;
    const { status } = await this.door.call(call);
    if (status >= 500) throw new EdgeError('endpoint_failed', `${url.host} answered ${status}.`);
  }

  close(): Promise<void> {
    this.door.close();
    return Promise.resolve();
  }

  private async post({ message, path }: Outgoing, signal: AbortSignal): Promise<Outcome> {
    const url = new URL(this.spec.url);
    if (path !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    const call = { url, headers: this.headers(message), body: message.payload, signal } as const;
    const answer = await this.door.call({ ...call, method: 'POST', timeoutMs: this.spec.timeoutSeconds * 1000 });
    return outcomeOf(url, answer, this.given.clock.now());
  }

  private headers(message: Outgoing['message']): Record<string, string> {
    const { credentials, clock } = this.given;
    const { id, payload, topic, node, device, at, traceparent } = message;
    const timestamp = String(Math.floor(clock.now() / 1000));
    const { signing, authorization } = credentials;
    const optional = {
      'selvage-node': node,
      'selvage-device': device,
      traceparent,
      authorization,
      'webhook-signature': signing === undefined ? undefined : signature(signing, { id, timestamp, payload }),
    };
    return {
      ...this.spec.headers,
      'content-type': message.contentType ?? 'application/octet-stream',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'selvage-topic': encodeURI(topic),
      'selvage-time': new Date(at).toISOString(),
      ...Object.fromEntries(
        Object.entries(optional).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
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
  return { is: status >= 500 ? 'failed' : 'rejected', code: 'endpoint_failed', detail };
}

const MAX_WAIT_MS = 3_600_000;

/** Milliseconds to wait; the header has seconds or a date. */
function waitOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}
