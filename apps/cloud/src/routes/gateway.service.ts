import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EdgeError, httpMethod } from '@selvage/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayAccess, type Guest } from './gateway-access.service.js';
import { oneOf } from './gateway-asked.js';
import { GatewayCalls } from './gateway-calls.service.js';
import { GatewayIntake } from './gateway-intake.service.js';
import { type GatewayTarget, targetIn, traceOf } from './gateway.rules.js';
import { KnownRoutes, type Matched } from './known-routes.service.js';

/** `/gateway/{project}/{path…}`: each request goes to the one route that takes it. */
@Injectable()
export class Gateway {
  constructor(
    private readonly access: GatewayAccess,
    private readonly known: KnownRoutes,
    private readonly calls: GatewayCalls,
    private readonly intake: GatewayIntake,
  ) {}

  /** Before the body is read. */
  admit({ method, raw, headers }: FastifyRequest): Promise<Guest> {
    const target = raw.url ?? '';
    return this.access.admit(targetIn(target).project, { method, target, headers });
  }

  async answer(guest: Guest, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
    guest.check(body);
    const target = targetIn(request.raw.url ?? '');
    const traceparent = traceOf(oneOf(request, 'traceparent')) ?? newTrace();
    const asked = { ...target, ...this.matched(request.method, target, reply), request, body, traceparent };
    const service = await this.calls.serviceOf(asked);
    if (service === undefined) void reply.code(202).send(await this.intake.take(asked));
    else await this.calls.answer(asked, service, { guest, reply });
  }

  private matched(method: string, { project, path }: GatewayTarget, reply: FastifyReply): Matched {
    const found = this.known.forRequest(project, { method, path });
    if (found !== undefined) return found;
    const allowed = httpMethod.options.filter((one) => this.known.forRequest(project, { method: one, path }));
    if (allowed.length === 0) throw new EdgeError('not_found', `No route of project "${project}" takes "${path}".`);
    void reply.header('allow', allowed.join(', '));
    throw new EdgeError('method_not_allowed', `Routes take "${path}" with ${allowed.join(', ')} only.`);
  }
}

/** A trace that begins here. */
function newTrace(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}
