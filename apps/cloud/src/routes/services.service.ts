import { Injectable } from '@nestjs/common';
import { Away, type Outcome } from '@selvage/outbox';
import { EdgeError, type RequestCall, requestHead, type RequestHead } from '@selvage/protocol';
import { aboutOf, Endpoints, type Outgoing } from '../endpoints/endpoints.module.js';
import { Calls } from '../link/index.js';
import type { KnownRoute } from './known-routes.service.js';

/** Answers by which a service takes no message now. */
const LATER = new Set([408, 425, 429, 502, 503, 504]);
const MAX_HEAD = 256 * 1024;
const NEWLINE = 0x0a;

/** An answer of a service: its head, and its body as it comes. */
export interface ServiceAnswer {
  readonly head: RequestHead;
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP to services of nodes, through their agents. */
@Injectable()
export class Services {
  constructor(
    private readonly endpoints: Endpoints,
    private readonly calls: Calls,
  ) {}

  /** One request, once. @throws EdgeError `node_offline`, `deadline_exceeded`, and what the node answers. */
  async request(at: { project: string; node: string }, call: RequestCall, signal: AbortSignal): Promise<ServiceAnswer> {
    const request = { method: 'route.request', params: call, deadlineMs: call.timeoutMs };
    const chunks = this.calls.open(at, request, signal);
    let head = Buffer.alloc(0);
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      head = Buffer.concat([head, next.value]);
      const end = head.indexOf(NEWLINE);
      if (end !== -1) return { head: readHead(head.subarray(0, end)), body: following(head.subarray(end + 1), chunks) };
      if (head.byteLength > MAX_HEAD) break;
    }
    await chunks.return();
    throw new EdgeError('bad_request', 'The node sent no head of an answer.');
  }

  /** Port and time of a service. @throws EdgeError `not_found`. */
  async service(project: string, name: string): Promise<{ readonly port: number; readonly timeoutSeconds: number }> {
    const [row] = await this.endpoints.find(project, [name]);
    if (row?.spec.kind !== 'service')
      throw new EdgeError('not_found', `There is no service "${name}" in project "${project}".`);
    return row.spec;
  }

  /** Posts messages one after the other. */
  async post(
    { project, spec }: KnownRoute,
    node: string,
    batch: readonly Outgoing[],
    signal: AbortSignal,
  ): Promise<readonly Outcome[]> {
    const { port, timeoutSeconds } = await this.service(project, spec.target.endpoint);
    const outcomes: Outcome[] = batch.map(() => ({ is: 'waits' }));
    for (const [index, { message, path = '/' }] of batch.entries()) {
      const headers = Object.entries({ ...aboutOf(message), 'webhook-id': message.id });
      const call: RequestCall = {
        ...{ port, path, headers },
        method: 'POST',
        body: message.payload,
        timeoutMs: timeoutSeconds * 1000,
      };
      const { head, body } = await this.request({ project, node }, call, signal);
      await drained(body);
      const { status } = head;
      if (status >= 200 && status < 300) outcomes[index] = { is: 'delivered' };
      else {
        const detail = `The service on port ${port} of ${node} answered ${status}.`;
        if (LATER.has(status) && index === 0) throw new Away(detail);
        if (!LATER.has(status))
          outcomes[index] = { is: status >= 500 ? 'failed' : 'rejected', code: 'endpoint_failed', detail };
        break;
      }
    }
    return outcomes;
  }
}

/** Takes what a service says and nobody wants to know. */
async function drained(body: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next());
}

function readHead(bytes: Buffer): RequestHead {
  return requestHead.parse(JSON.parse(bytes.toString('utf8')));
}

async function* following(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.byteLength > 0) yield first;
  yield* rest;
}
