import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EdgeError, type Endpoint } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { Access } from './access.js';
import type { Caller } from './caller.js';
import { ENDPOINT, type KnownRequest } from './expose.js';
import { OpenStreams } from './open-streams.js';
import { RateLimit } from './rate-limit.js';

/** Denied by default: a method without `@Expose`, a caller without the role, a project that is not the caller's. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly access: Access,
    private readonly rate: RateLimit,
    private readonly streams: OpenStreams,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = this.reflector.get<Endpoint | undefined>(ENDPOINT, context.getHandler());
    if (endpoint === undefined) throw new EdgeError('forbidden', 'This is not part of the API.');
    const request = context.switchToHttp().getRequest<KnownRequest>();
    request.endpoint = endpoint;
    if (endpoint.role === 'public') {
      this.rate.public(request.ip);
      return true;
    }
    request.caller = await this.access.caller(request.headers.authorization);
    this.rate.known(request.caller.tokenId);
    await this.allow(request.caller, endpoint, request);
    if (endpoint.stream !== undefined) {
      this.streams.follow(request.caller, context.switchToHttp().getResponse<FastifyReply>().raw);
      // Looked at again: a token that was revoked before the stream was followed would never end it.
      await this.access.caller(request.headers.authorization);
    }
    return true;
  }

  private async allow(caller: Caller, endpoint: Endpoint, request: KnownRequest): Promise<void> {
    if (endpoint.role !== 'public') this.access.as(caller, endpoint.role);
    if (endpoint.scope === 'hub') refuseLimited(caller);
    if (endpoint.scope === 'hub' || endpoint.scope === 'caller') return;
    const project = projectOf(request);
    if (project !== undefined) await this.access.in(caller, project);
  }
}

function refuseLimited({ projects }: Caller): void {
  if (projects === undefined) return;
  throw new EdgeError(
    'forbidden',
    `This concerns the whole hub, and your token is limited to projects (${projects.join(', ')}): use one that is not.`,
  );
}

/** The project that a request is about: in its path, or asked for in its query. */
export function projectOf({ params, query }: Pick<KnownRequest, 'params' | 'query'>): string | undefined {
  for (const part of [params, query]) {
    const project: unknown = typeof part === 'object' && part !== null && 'project' in part ? part.project : undefined;
    if (typeof project === 'string') return project;
  }
  return undefined;
}
