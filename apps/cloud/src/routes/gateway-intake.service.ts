import { Injectable } from '@nestjs/common';
import { EdgeError, type GatewayTaken, MAX_TOPIC } from '@selvage/protocol';
import { Nodes } from '../nodes/nodes.module.js';
import { type Asked, nodeOf, oneOf } from './gateway-asked.js';
import { fingerprint, idFor } from './gateway.rules.js';
import { GatewayRequests } from './gateway-requests.service.js';
import { type OwnMessage, RouteIntake } from './intake.service.js';

const MAX_KEY = 255;
const MAX_CONTENT_TYPE = 128;

/** Requests that become messages. */
@Injectable()
export class GatewayIntake {
  constructor(
    private readonly intake: RouteIntake,
    private readonly requests: GatewayRequests,
    private readonly nodes: Nodes,
  ) {}

  /** Answers when the message is on the disk. */
  async take(asked: Asked): Promise<GatewayTaken> {
    const own = messageOf(asked);
    await nodeOf(asked, this.nodes);
    const { request, route, path, query, body } = asked;
    const key = oneOf(request, 'idempotency-key');
    if (key === undefined) return this.intake.take(route, own);
    if (key === '' || key.length > MAX_KEY)
      throw new EdgeError('bad_request', `Idempotency-Key: 1 to ${MAX_KEY} characters.`);
    const id = idFor(route.uid, key);
    const print = fingerprint({ method: request.method, target: `${path}${query}` }, body);
    return this.requests.once(id, print, () => this.intake.take(route, { ...own, id }));
  }
}

/** @throws EdgeError `bad_request` for what would not arrive as it was sent. */
function messageOf({ request, path, body, captures, traceparent }: Asked): OwnMessage {
  if (path.length > MAX_TOPIC) throw new EdgeError('bad_request', `A path has at most ${MAX_TOPIC} characters.`);
  if ((oneOf(request, 'content-encoding') ?? 'identity') !== 'identity')
    throw new EdgeError('bad_request', 'Content-Encoding: a message goes on as it is; send it without.');
  const contentType = oneOf(request, 'content-type');
  if ((contentType?.length ?? 0) > MAX_CONTENT_TYPE)
    throw new EdgeError('bad_request', `Content-Type: at most ${MAX_CONTENT_TYPE} characters.`);
  return { topic: path, vars: { ...captures }, payload: body, contentType, traceparent };
}
