import { Inject, Injectable } from '@nestjs/common';
import { httpMethod, nodeKey, toEdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import type { FastifyReply } from 'fastify';
import { Endpoints } from '../endpoints/endpoints.module.js';
import { OpenStreams } from '../http/index.js';
import { LOG, type Logger } from '../log/index.js';
import { Nodes } from '../nodes/nodes.module.js';
import { RouteCounts } from './counts.service.js';
import type { Guest } from './gateway-access.service.js';
import { type Asked, nodeOf, varsOf } from './gateway-asked.js';
import { passedOn, servicePath } from './gateway.rules.js';
import { sendAnswer } from './gateway-stream.js';
import { Services } from './services.service.js';

interface Service {
  readonly port: number;
  readonly timeoutSeconds: number;
}

/** Requests that a service of a node answers. */
@Injectable()
export class GatewayCalls {
  constructor(
    private readonly services: Services,
    private readonly endpoints: Endpoints,
    private readonly nodes: Nodes,
    private readonly streams: OpenStreams,
    private readonly counts: RouteCounts,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** The service that a request is for; undefined when its route leads to something else. */
  async serviceOf({ route: { project, spec } }: Asked): Promise<Service | undefined> {
    const [row] = await this.endpoints.find(project, [spec.target.endpoint]);
    return row?.spec.kind === 'service' ? row.spec : undefined;
  }

  /** Asks once, and whatever the service says is the answer. */
  async answer(asked: Asked, service: Service, { guest, reply }: { guest: Guest; reply: FastifyReply }): Promise<void> {
    const { route, request, traceparent, body } = asked;
    const to = { project: route.project, node: (await nodeOf(asked, this.nodes)) ?? '' };
    const call = {
      port: service.port,
      method: httpMethod.parse(request.method),
      path: servicePath(route.spec, asked, varsOf(asked)),
      headers: passedOn(request.raw.rawHeaders, { peer: request.ip, traceparent }),
      body,
      timeoutMs: service.timeoutSeconds * 1000,
    };
    await sendAnswer(reply, (signal) => this.counted(asked, () => this.services.request(to, call, signal)), {
      begun: () => {
        this.streams.follow(guest, reply.raw);
      },
      broke: (error) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.log.info({ node: nodeKey(to), route: route.name, reason }, 'answer of a service broke');
      },
    });
  }

  /** An answer counts as arrived, whatever it says; so a request that gets none counts as failed. */
  private async counted<T>({ route: { uid }, body }: Asked, ask: () => Promise<T>): Promise<T> {
    const from = systemClock.monotonic();
    this.counts.add(uid, { taken: 1 });
    try {
      const answer = await ask();
      this.counts.forwarded(uid, { bytes: body.byteLength, tookMs: systemClock.monotonic() - from });
      return answer;
    } catch (error) {
      const { message, detail } = toEdgeError(error);
      this.counts.failed(uid, detail || message);
      throw error;
    }
  }
}
