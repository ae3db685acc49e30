import { Controller } from '@nestjs/common';
import { type Answer, endpoints, type ParsedInput } from '@selvage/protocol';
import { type Caller, Expose, Input, Who } from '../http/index.js';
import { ApiTokens } from './api-tokens.service.js';
import { Users } from './users.service.js';

const { session, tokens } = endpoints;

@Controller()
export class UsersController {
  constructor(
    private readonly users: Users,
    private readonly apiTokens: ApiTokens,
  ) {}

  @Expose(session.login)
  login(@Input() { body }: ParsedInput<typeof session.login>): Promise<Answer<typeof session.login>> {
    return this.users.login(body);
  }

  @Expose(session.logout)
  logout(@Who() who: Caller): Promise<void> {
    return this.users.logout(who);
  }

  @Expose(session.me)
  me(@Who() { username, role, projects }: Caller): Answer<typeof session.me> {
    return { username, role, ...(projects && { projects: [...projects] }) };
  }

  @Expose(session.password)
  password(@Input() { body }: ParsedInput<typeof session.password>, @Who() who: Caller): Promise<void> {
    return this.users.changePassword(who, body);
  }

  @Expose(tokens.list)
  list(@Input() { query }: ParsedInput<typeof tokens.list>, @Who() who: Caller): Promise<Answer<typeof tokens.list>> {
    return this.apiTokens.list(who, query);
  }

  @Expose(tokens.make)
  make(@Input() { body }: ParsedInput<typeof tokens.make>, @Who() who: Caller): Promise<Answer<typeof tokens.make>> {
    return this.apiTokens.make(who, body);
  }

  @Expose(tokens.remove)
  remove(@Input() { params }: ParsedInput<typeof tokens.remove>, @Who() who: Caller): Promise<void> {
    return this.apiTokens.remove(who, params.name);
  }
}
