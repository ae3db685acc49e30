import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Endpoint } from '@selvage/protocol';

type Groups = Readonly<Record<string, Readonly<Record<string, Endpoint>>>>;

/** The answers that last: they would keep a server that stops waiting for ever. */
export class Streams {
  private readonly open = new Set<ServerResponse>();

  /** Takes note of every answer of an endpoint that streams. */
  watch(server: FastifyInstance, groups: Groups): void {
    const routes = new Set(streaming(groups).map(({ path }) => path.replace(/\{(\w+)\}/g, ':$1')));
    server.addHook('onRequest', (request, reply, done) => {
      if (routes.has(request.routeOptions.url ?? '')) this.note(reply.raw);
      done();
    });
  }

  /** Cuts them all. */
  cut(): void {
    for (const answer of this.open) answer.destroy();
  }

  private note(answer: ServerResponse): void {
    this.open.add(answer);
    answer.once('close', () => this.open.delete(answer));
  }
}

function streaming(groups: Groups): Endpoint[] {
  return Object.values(groups).flatMap((group) => Object.values(group).filter(({ stream }) => stream !== undefined));
}
