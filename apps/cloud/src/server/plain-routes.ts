import { type Clock, withDeadline } from '@selvage/reconcile';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../http/index.js';

/** What the routes for machines ask. */
export interface Probes {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Whether every port listens. */
  readonly listening: () => boolean;
  /** Whether the database takes changes; rejects when not. */
  readonly ready: () => Promise<void>;
}

const PING_MS = 2000;

/** `/healthz`, `/readyz` and `/metrics`: without a login, since they say nothing about anybody's nodes or apps. */
export function addProbes(server: FastifyInstance, probes: Probes): void {
  server.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', async (_request, reply) => {
    const missing = await notReady(probes);
    return reply
      .code(missing === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${missing ?? 'ok'}\n`);
  });
  server.get('/metrics', async (_request, reply) => {
    const { registry } = probes.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

/** Measures every answer but streams, by the template of its path. */
export function measureRequests(server: FastifyInstance, metrics: Metrics): void {
  server.addHook('onResponse', (request, reply, done) => {
    const { url = 'unknown' } = request.routeOptions;
    const type = String(reply.raw.getHeader('content-type') ?? '');
    const streamed = type.startsWith('text/event-stream') || url.endsWith('/logs');
    if (!streamed)
      metrics.observe({ method: request.method, path: url, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
}

async function notReady({ clock, listening, ready }: Probes): Promise<string | undefined> {
  if (!listening()) return 'starting or stopping';
  try {
    await withDeadline({ clock, ms: PING_MS, what: 'the database' }, ready);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
