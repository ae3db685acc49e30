import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { EdgeError, type RequestHead } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { passedBack } from './gateway.rules.js';
import type { ServiceAnswer } from './services.service.js';

interface Told {
  /** The answer has begun. */
  readonly begun: () => void;
  /** It broke, other than by its caller going away. */
  readonly broke: (error: unknown) => void;
}

/**
 * Gives a service's answer back as it comes, no faster than the caller takes it. An error before its head is thrown, so that it becomes
 * a proper answer; a later one cuts the connection, so that nobody takes a part for the whole. When the caller goes, the call is
 * cancelled.
 */
export async function sendAnswer(
  reply: FastifyReply,
  open: (signal: AbortSignal) => Promise<ServiceAnswer>,
  told: Told,
): Promise<void> {
  const out = reply.raw;
  const gone = new AbortController();
  out.once('close', () => {
    gone.abort(new EdgeError('call_cancelled', 'The caller went away.'));
  });
  const { head, body } = await open(gone.signal);
  const chunks = body[Symbol.asyncIterator]();
  try {
    if (head.status < 200) throw new EdgeError('endpoint_failed', `The service answered ${head.status}.`);
    writeHead(out, head);
  } catch (cause) {
    await chunks.return?.();
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('endpoint_failed', 'The head of the answer of the service is not valid.', { cause });
  }
  reply.hijack();
  told.begun();
  try {
    out.flushHeaders();
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      if (!out.write(next.value)) await once(out, 'drain', { signal: gone.signal });
    }
    out.end();
  } catch (error) {
    if (!gone.signal.aborted) told.broke(error);
    out.destroy();
  } finally {
    await chunks.return?.();
  }
}

/** Sends nothing of our own: what the hub says with its own answers does not fit those of others. */
function writeHead(out: ServerResponse, { status, headers }: RequestHead): void {
  for (const name of out.getHeaderNames()) out.removeHeader(name);
  const byName = new Map<string, string[]>();
  for (const [name, value] of passedBack(headers)) byName.set(name, [...(byName.get(name) ?? []), value]);
  for (const [name, values] of byName) out.setHeader(name, values.length === 1 ? values.join() : values);
  out.writeHead(status);
}
