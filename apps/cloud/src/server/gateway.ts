import { EdgeError, GATEWAY_PATH, MAX_ROUTED_PAYLOAD } from '@selvage/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorFilter } from '../http/index.js';

/** Whoever answers requests to the gateway. `Guest`: who was let in. */
export interface GatewayDoor<Guest> {
  /** Before the body is read. */
  admit(request: FastifyRequest): Promise<Guest>;
  /** The body is a `Buffer`, or nothing. */
  answer(guest: Guest, request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** `/gateway/…`: the one place where bodies are whatever they are. */
export async function addGateway<Guest>(
  server: FastifyInstance,
  errors: ErrorFilter,
  door: GatewayDoor<Guest>,
): Promise<void> {
  await server.register((gateway, _options, done) => {
    const guests = new WeakMap<FastifyRequest, Guest>();
    gateway.removeAllContentTypeParsers();
    gateway.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
      parsed(null, body);
    });
    gateway.setErrorHandler((error: FastifyError, request, reply) => {
      errors.answer(inOurWords(error), request, reply);
    });
    const options = {
      method: METHODS,
      bodyLimit: MAX_ROUTED_PAYLOAD,
      onRequest: async (request: FastifyRequest) => {
        guests.set(request, await door.admit(request));
        refuseUnreadBody(request);
      },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        const guest = guests.get(request);
        if (guest === undefined) throw new EdgeError('internal', 'nobody was let in');
        await door.answer(guest, request, reply);
        return reply;
      },
    };
    gateway.route({ ...options, url: `${GATEWAY_PATH}/:project` });
    gateway.route({ ...options, url: `${GATEWAY_PATH}/:project/*` });
    done();
  });
}

/** Nobody reads the body of these: what came in it would be lost without a word. */
function refuseUnreadBody({ method, headers }: FastifyRequest): void {
  if (method !== 'GET' && method !== 'HEAD') return;
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0)
    throw new EdgeError('bad_request', `A ${method} has no body here.`);
}

function inOurWords(error: FastifyError): Error {
  if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return error;
  return new EdgeError('body_too_large', `A message has at most ${MAX_ROUTED_PAYLOAD / 1024} KiB.`, { cause: error });
}
