import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EdgeError, type Endpoint } from '@selvage/protocol';
import type { FastifyReply } from 'fastify';
import { type Caller, mayAs, mayIn } from './caller.js';
import { ENDPOINT, type KnownRequest } from './expose.js';
import { OpenStreams } from './open-streams.js';
import { RateLimit } from './rate-limit.js';
import { AuthRegistry, RequestHooks } from './registries.js';

/** Denied by default: a method without `@Expose`, a caller without the role, a project that is not the caller's. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly auth: AuthRegistry,
    private readonly hooks: RequestHooks,
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
    request.caller = await this.caller(request.headers.authorization);
    this.rate.known(request.caller.tokenId);
    await this.allow(request.caller, endpoint, request);
    if (endpoint.stream !== undefined) {
      this.streams.follow(request.caller, context.switchToHttp().getResponse<FastifyReply>().raw);
      // Looked at again: a token that was revoked before the stream was followed would never end it.
      await this.caller(request.headers.authorization);
    }
    return true;
  }

  private async caller(header: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w.-]{1,256})$/.exec(header ?? '')?.[1];
    if (token === undefined)
      throw new EdgeError('unauthenticated', 'Send "Authorization: Bearer TOKEN"; "selvage login" gets one.');
    const caller = await this.auth.get().authenticate(token);
    if (caller === undefined) throw new EdgeError('unauthenticated', 'The token is not known or has expired.');
    return caller;
  }

  private async allow(caller: Caller, endpoint: Endpoint, request: KnownRequest): Promise<void> {
    if (endpoint.role !== 'public' && !mayAs(caller, endpoint.role)) {
      throw new EdgeError('forbidden', `This needs the role ${endpoint.role}; yours is ${caller.role}.`);
    }
    if (endpoint.scope === 'hub') refuseLimited(caller);
    else if (endpoint.scope !== 'caller') await this.allowIn(caller, projectOf(request));
  }

  private async allowIn(caller: Caller, project: string | undefined): Promise<void> {
    if (project === undefined) return;
    if (!mayIn(caller, project)) throw new EdgeError('forbidden', `Your token does not reach project "${project}".`);
    await this.hooks.projectExists(project);
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
