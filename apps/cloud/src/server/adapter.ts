import { randomUUID } from 'node:crypto';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EdgeError, MAX_BODY } from '@selvage/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorFilter } from '../http/index.js';

/**
 * Milliseconds that a connection may be silent, that it may rest between requests, and that a head and a whole request may take to come
 * in; and how often that is looked at. Node takes the longer of both for the request, whichever it is.
 */
const TIMES = {
  connectionTimeout: 120_000,
  keepAliveTimeout: 75_000,
  headersTimeout: 30_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 15_000,
};

/** The HTTP server with a limit on everything that a peer could make long, large or slow. */
export function createAdapter(errors: ErrorFilter, times = TIMES): FastifyAdapter {
  const { connectionsCheckingInterval, headersTimeout, ...rest } = times;
  return new FastifyAdapter({
    bodyLimit: MAX_BODY,
    // Only we name requests: an id from outside could carry anything into the log.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    trustProxy: false,
    exposeHeadRoutes: false,
    ...rest,
    http: { connectionsCheckingInterval, headersTimeout },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (cause: unknown, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('x-content-type-options', 'nosniff');
      errors.answer(new EdgeError('bad_request', 'The address cannot be read.', { cause }), request, reply);
    },
  });
}

/** Bodies are JSON and nothing else, which also keeps forms of foreign pages out. An empty one is none, whatever type it claims. */
export function takeJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else return parse(request, body, done);
  });
}
