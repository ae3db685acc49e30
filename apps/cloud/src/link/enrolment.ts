import { EdgeError, type ErrorBody, toEdgeError } from '@selvage/protocol';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../log/index.js';

/** A request that needs no client certificate. `body` is parsed JSON of at most 64 KiB. */
export interface PortRequest {
  readonly body: unknown;
  /** Address of the peer. */
  readonly address: string;
}
/** Gives the answer's JSON; an `EdgeError` is answered as `{ code, message, detail, requestId }` with its status. */
export type PortHandler = (request: PortRequest) => Promise<object>;

const MAX_BODY = 64 * 1024;

/** Answers what machines ask that have no certificate yet, or one that expired. */
export class Enrolment {
  private readonly handlers = new Map<string, PortHandler>();

  constructor(private readonly log: Logger) {}

  add(path: string, handler: PortHandler): void {
    this.handlers.set(path, handler);
  }

  async answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    try {
      const handler = request.method === 'POST' ? this.handlers.get(request.url ?? '') : undefined;
      if (handler === undefined) throw new EdgeError('not_found', 'Agents ask here; the API has a port of its own.');
      const body = parseJson(await readBody(request));
      send(answer, 200, await handler({ body, address: request.socket.remoteAddress ?? '' }));
    } catch (thrown) {
      // Whoever went away in the middle of a request hears no answer, and is no news.
      if (thrown instanceof EdgeError || !request.readableAborted) this.fail(answer, thrown);
    }
  }

  private fail(answer: ServerResponse, thrown: unknown): void {
    const error = toEdgeError(thrown);
    const requestId = randomUUID();
    if (error.code === 'internal') this.log.error({ err: thrown, requestId }, 'an enrolment failed');
    const { code, sentence: message } = error;
    const detail = code === 'internal' ? '' : error.detail;
    if (code === 'overloaded') answer.setHeader('retry-after', '2');
    send(answer, error.status, { code, message, detail, requestId } satisfies ErrorBody);
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > MAX_BODY) throw new EdgeError('body_too_large', `Here a body has at most ${MAX_BODY} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EdgeError('bad_request', 'The body is not JSON.', { cause });
  }
}

function send(answer: ServerResponse, status: number, body: object): void {
  if (answer.destroyed) return;
  const text = JSON.stringify(body);
  answer.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  answer.end(text);
}
