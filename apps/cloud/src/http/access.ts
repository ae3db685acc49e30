import { Injectable } from '@nestjs/common';
import { EdgeError, type Role } from '@selvage/protocol';
import { type Caller, mayAs, mayIn } from './caller.js';
import { AuthRegistry, RequestHooks } from './registries.js';

/** Who may do what. */
@Injectable()
export class Access {
  constructor(
    private readonly auth: AuthRegistry,
    private readonly hooks: RequestHooks,
  ) {}

  /** Whoever a header `authorization` speaks for. @throws EdgeError `unauthenticated`. */
  async caller(header: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w.-]{1,256})$/.exec(header ?? '')?.[1];
    if (token === undefined)
      throw new EdgeError('unauthenticated', 'Send "Authorization: Bearer TOKEN"; "selvage login" gets one.');
    const caller = await this.auth.get().authenticate(token);
    if (caller === undefined) throw new EdgeError('unauthenticated', 'The token is not known or has expired.');
    return caller;
  }

  /** @throws EdgeError `forbidden` for a caller of a lower role. */
  as(caller: Caller, role: Role): void {
    if (!mayAs(caller, role)) throw new EdgeError('forbidden', `This needs the role ${role}; yours is ${caller.role}.`);
  }

  /** @throws EdgeError `forbidden` for a project that the caller does not reach, `not_found` for one that is not there. */
  async in(caller: Caller, project: string): Promise<void> {
    if (!mayIn(caller, project)) throw new EdgeError('forbidden', `Your token does not reach project "${project}".`);
    await this.hooks.projectExists(project);
  }
}
