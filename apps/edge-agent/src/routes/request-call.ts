import type { IncomingMessage } from 'node:http';
import { EdgeError, type RequestCall, type RequestHead } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { callService } from './http-call.js';

/** Where an answer goes; `write` resolves when there is room for more. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

export interface Asking {
  /** Ports that may be asked. */
  readonly services: readonly number[];
  readonly clock: Pick<Clock, 'timer'>;
  readonly sink: Sink;
  readonly signal: AbortSignal;
}

const MAX_HEADERS = 200;
const MAX_NAME = 256;
const MAX_VALUE = 8_192;
/** Headers that are about one connection, not about the request [RFC 9110, 7.6.1]; and those that are made anew. */
const OF_CONNECTION = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
]);
const OURS = new Set(['host', 'content-length']);

/**
 * Asks a service of this node, once, and passes its answer on: first its head as JSON and a newline, then its body as it comes.
 * @throws EdgeError `forbidden` for a port that is not the hub's to call, and what `callService` throws
 */
export async function askService(call: RequestCall, { services, clock, sink, signal }: Asking): Promise<void> {
  const { port, method, path, body, timeoutMs } = call;
  if (!services.includes(port))
    throw new EdgeError('forbidden', `No service endpoint names port ${port} of this node.`);
  if (/[^\x21-\x7e]/.test(path)) throw new EdgeError('bad_request', 'The path has characters that no path has.');
  const headers = passing(call.headers).filter(([name]) => !OURS.has(name.toLowerCase()));
  const answer = await callService({
    ...{ port, method, path, body, timeoutMs, signal, clock },
    headers: headers.flat(),
  });
  const stop = (): void => {
    answer.destroy(new EdgeError('call_cancelled', 'It is not wanted any more.'));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await sink.write(Buffer.from(`${JSON.stringify(headOf(answer))}\n`, 'utf8'));
    await passOn(answer, { port, timeoutMs, clock, sink });
  } finally {
    signal.removeEventListener('abort', stop);
    answer.destroy();
  }
}

/** A body that rests for as long as its head was given time is broken off. */
async function passOn(
  answer: IncomingMessage,
  { port, timeoutMs, clock, sink }: { port: number; timeoutMs: number } & Pick<Asking, 'clock' | 'sink'>,
): Promise<void> {
  const late = (): void => {
    answer.destroy(new EdgeError('deadline_exceeded', `The answer of port ${port} rested for ${timeoutMs} ms.`));
  };
  let cancel = clock.timer(timeoutMs, late);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      cancel();
      await sink.write(chunk);
      cancel = clock.timer(timeoutMs, late);
    }
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('service_unreachable', `The service on port ${port} broke off its answer.`, { cause });
  } finally {
    cancel();
  }
}

function headOf({ statusCode = 0, rawHeaders }: IncomingMessage): RequestHead {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  const headers = passing(pairs);
  const isFlood = headers.some(([name, value]) => name.length > MAX_NAME || value.length > MAX_VALUE);
  if (headers.length <= MAX_HEADERS && !isFlood) return { status: statusCode, headers };
  throw new EdgeError('service_unreachable', 'The service answered with more headers than can be passed on.');
}

function passing(headers: readonly (readonly [string, string])[]): [string, string][] {
  const named = headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((one) => one.trim().toLowerCase()));
  const dropped = new Set([...OF_CONNECTION, ...named]);
  return headers.filter(([name]) => !dropped.has(name.toLowerCase())).map(([name, value]) => [name, value]);
}
