import { Agent, type IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { Away, type Outcome } from '@selvage/outbox';
import { type DesiredTarget, EdgeError, type RoutedMessage, toEdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { fill } from '@selvage/routes';
import type { Rate } from './bucket.js';
import { callService, isRefused } from './http-call.js';
import { DELIVERED, failed, inOrder, type Item, rejected, type Target } from './target.js';

/** Answers by which a service takes no message now. */
const AWAY = new Set([429, 503]);
/** Longest that a service may ask to be left alone, milliseconds. */
const MAX_REST_MS = 300_000;
/** What is read of an answer to say why it is none. */
const MAX_WORDS = 300;
/** A longer answer is not read to its end. */
const MAX_ANSWER = 65_536;
const IDLE_MS = 4_000;

export interface ToServicePorts {
  readonly rate: Rate;
  readonly clock: Clock;
}

/** Posts messages to a service of this node. Each is acknowledged by an answer 2xx. */
export class ToService implements Target {
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  constructor(
    private readonly target: Extract<DesiredTarget, { kind: 'service' }>,
    private readonly ports: ToServicePorts,
  ) {}

  deliver(items: readonly Item[], signal: AbortSignal): Promise<readonly Outcome[]> {
    return inOrder(items, async ({ message }) => {
      await this.ports.rate.take(1, signal);
      return this.#post(message, signal);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(message: RoutedMessage, signal: AbortSignal): Promise<Outcome> {
    const { port, timeoutSeconds } = this.target;
    const path = pathOf(this.target.path, message.vars);
    if (path instanceof EdgeError) return rejected(path);
    const timeoutMs = timeoutSeconds * 1000;
    const call = {
      port,
      method: 'POST',
      path,
      headers: headersOf(message, this.ports.clock.now()),
      body: message.payload,
      timeoutMs,
      signal,
    };
    try {
      const answer = await callService({ ...call, clock: this.ports.clock, agent: this.#agent });
      return this.#verdict(answer, await wordsOf(answer, { clock: this.ports.clock, timeoutMs, signal }));
    } catch (error) {
      if (error instanceof Away) throw error;
      if (signal.aborted || isRefused(error)) throw new Away(toEdgeError(error).detail, { cause: error });
      return failed(error);
    }
  }

  /** @throws Away when it says that it takes no message now: none is to blame. */
  #verdict({ statusCode = 0, headers }: IncomingMessage, words: string): Outcome {
    if (statusCode >= 200 && statusCode < 300) return DELIVERED;
    const said = `The service on port ${this.target.port} answered ${statusCode}${words === '' ? '' : `: ${words}`}`;
    if (AWAY.has(statusCode))
      throw new Away(said, { retryAfterMs: restOf(headers['retry-after'], this.ports.clock.now()) });
    const again = statusCode >= 500 || statusCode === 408 || statusCode === 425;
    return { is: again ? 'failed' : 'rejected', code: 'service_unreachable', detail: said };
  }
}

/** Names as Standard Webhooks has them; what else is known of a message has a header each. */
function headersOf(message: RoutedMessage, now: number): string[] {
  const { id, topic, node, device, at, traceparent, contentType } = message;
  const all = {
    'content-type': contentType ?? 'application/octet-stream',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    traceparent,
    'selvage-topic': encodeURI(topic),
    'selvage-node': node,
    'selvage-device': device,
    'selvage-time': new Date(at).toISOString(),
  };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

/** A path whose variables were filled in: what a device says is data, and never leads up. */
function pathOf(template: string, vars: Readonly<Record<string, string>>): string | EdgeError {
  const encoded = Object.entries(vars).map(([name, value]) => [
    name,
    value.split('/').map(encodeURIComponent).join('/'),
  ]);
  try {
    const path = fill(template, Object.fromEntries(encoded) as Record<string, string>);
    if (!path.split('/').some((segment) => segment === '.' || segment === '..')) return path;
    return new EdgeError('bad_request', `The path ${path} leads up.`);
  } catch (error) {
    return error instanceof EdgeError ? error : new EdgeError('bad_request', 'The path cannot be filled in.');
  }
}

/** Milliseconds that a header `Retry-After` asks for: a number of seconds, or a date. */
function restOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_REST_MS);
}

interface Reading {
  readonly clock: Pick<Clock, 'timer'>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * The beginning of an answer, on one line; its end is read so that the connection can be used again. Its status stands, whatever becomes
 * of the rest.
 */
async function wordsOf(answer: IncomingMessage, { clock, timeoutMs, signal }: Reading): Promise<string> {
  const parts: Buffer[] = [];
  const stop = (): void => {
    answer.destroy();
  };
  const cancel = clock.timer(timeoutMs, stop);
  signal.addEventListener('abort', stop, { once: true });
  let size = 0;
  const ended = finished(answer, { writable: false });
  answer.on('data', (part: Buffer) => {
    if (size < MAX_WORDS) parts.push(part);
    size += part.byteLength;
    if (size > MAX_ANSWER) stop();
  });
  await Promise.allSettled([ended]);
  cancel();
  signal.removeEventListener('abort', stop);
  const text = Buffer.concat(parts).toString('utf8');
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}
