import { Module, type OnModuleInit } from '@nestjs/common';
import { Retention } from '../db/index.js';
import { AuthRegistry } from '../http/index.js';
import { ApiTokens } from './api-tokens.service.js';
import { Tokens } from './tokens.service.js';
import { UsersController } from './users.controller.js';
import { Token, User } from './users.entity.js';
import { Users1700000001000 } from './users.migration.js';
import { Users } from './users.service.js';

export const usersSchema = { entities: [User, Token], migrations: [Users1700000001000] };
export { Users };

@Module({ controllers: [UsersController], providers: [ApiTokens, Tokens, Users], exports: [Users] })
export class UsersModule implements OnModuleInit {
  constructor(
    private readonly auth: AuthRegistry,
    private readonly tokens: Tokens,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.auth.set(this.tokens);
    this.retention.add(this.tokens.expired());
  }
}
