import {
  applyDecorators,
  createParamDecorator,
  Delete,
  type ExecutionContext,
  Get,
  HttpCode,
  Patch,
  Post,
  Put,
  SetMetadata,
} from '@nestjs/common';
import { EdgeError, type Endpoint, type ParsedInput } from '@selvage/protocol';
import type { FastifyRequest } from 'fastify';
import type { Caller } from './caller.js';
import { parseInput } from './input.js';

export const ENDPOINT = 'selvage:endpoint';

const METHODS = { GET: Get, PUT: Put, POST: Post, PATCH: Patch, DELETE: Delete };

/** A request after the guard: who asks and which endpoint it is. */
export interface KnownRequest extends FastifyRequest {
  caller?: Caller;
  endpoint?: Endpoint;
}

/** Binds a controller's method to an endpoint of the protocol's table: method, path, role and answer come from there. */
export function Expose(endpoint: Endpoint): MethodDecorator {
  const path = endpoint.path.replace(/\{(\w+)\}/g, ':$1');
  return applyDecorators(SetMetadata(ENDPOINT, endpoint), METHODS[endpoint.method](path), HttpCode(statusOf(endpoint)));
}

/** Path parameters, query and body, parsed by the endpoint's schemas. Throws `bad_request` with every problem and its path. */
export const Input = createParamDecorator((_data: unknown, context: ExecutionContext): ParsedInput<Endpoint> => {
  const request = context.switchToHttp().getRequest<KnownRequest>();
  if (request.endpoint === undefined) throw new EdgeError('internal', 'a controller method without @Expose');
  const { params, query, body } = request;
  return parseInput(request.endpoint, { params, query, body });
});

/** Who asks. */
export const Who = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<KnownRequest>();
  if (caller === undefined) throw new EdgeError('unauthenticated', '');
  return caller;
});

/** The revision of `If-Match`, quoted or not; undefined without the header. */
export const IfMatch = createParamDecorator((_data: unknown, context: ExecutionContext): number | undefined => {
  const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (header === undefined) return undefined;
  const revision = /^"?(\d{1,10})"?$/.exec(header)?.[1];
  if (revision === undefined)
    throw new EdgeError('bad_request', 'If-Match: give the revision that you changed, 12 for instance.');
  return Number(revision);
});

function statusOf({ method, answer }: Endpoint): number {
  if (answer.safeParse(undefined).success) return 204;
  return method === 'POST' ? 201 : 200;
}
