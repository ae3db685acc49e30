import { Injectable } from '@nestjs/common';
import { type ApiToken, EdgeError, type ListQuery, type Role, toEdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { IsNull, MoreThan, Not } from 'typeorm';
import { Database } from '../db/index.js';
import { type Caller, reachesAll, RequestHooks } from '../http/index.js';
import { Tokens } from './tokens.service.js';
import { Token } from './users.entity.js';
import { mayMake, shownToken } from './users.rules.js';

const BATCH = 500;

interface TokenWrite {
  readonly name: string;
  readonly role: Role;
  readonly projects?: string[] | undefined;
  readonly expiresInSeconds?: number | undefined;
}

/** Tokens that administrators make for programs. A token limited to projects sees and touches those that reach no further. */
@Injectable()
export class ApiTokens {
  constructor(
    private readonly db: Database,
    private readonly hooks: RequestHooks,
    private readonly tokens: Tokens,
  ) {}

  /** The token's text is in the answer and nowhere else. @throws EdgeError `forbidden`, `bad_request`, `already_exists`. */
  async make(maker: Caller, wanted: TokenWrite): Promise<ApiToken & { token: string }> {
    const { name, role, projects = null, expiresInSeconds } = wanted;
    const expiresAt =
      expiresInSeconds === undefined ? null : new Date(systemClock.now() + expiresInSeconds * 1000).toISOString();
    const own = await this.db.read.findOneBy(Token, { id: maker.tokenId });
    if (own === null) throw new EdgeError('unauthenticated', 'Your token was revoked.');
    mayMake(own, { role, projects, expiresAt });
    await this.mustExist(projects ?? []);
    const made = { username: maker.username, role, name, projects, expiresAt };
    const { text, token } = await this.db.write((tx) => this.tokens.make(tx, made));
    return { ...shownToken(token), token: text };
  }

  async list(who: Caller, { limit, cursor }: ListQuery): Promise<{ items: ApiToken[]; cursor?: string }> {
    const items: ApiToken[] = [];
    for (let after = cursor; ;) {
      const name = after === undefined ? Not(IsNull()) : MoreThan(after);
      const batch = await this.db.read.find(Token, { where: { name }, order: { name: 'ASC' }, take: BATCH });
      for (const token of batch.filter((one) => reachesAll(who, one))) {
        if (items.length === limit) return { items, cursor: items.at(-1)?.name ?? '' };
        items.push(shownToken(token));
      }
      if (batch.length < BATCH) return { items };
      after = batch.at(-1)?.name ?? after;
    }
  }

  /** @throws EdgeError `not_found`, also for a token that reaches further than the caller's own. */
  async remove(who: Caller, name: string): Promise<void> {
    const id = await this.db.write(async (tx) => {
      const token = await tx.findOneBy(Token, { name });
      if (token === null || !reachesAll(who, token)) throw missing(who, name);
      await tx.delete(Token, { id: token.id });
      return token.id;
    });
    this.tokens.ended([id]);
  }

  private async mustExist(projects: readonly string[]): Promise<void> {
    const missing: string[] = [];
    for (const project of projects) {
      try {
        await this.hooks.projectExists(project);
      } catch (error) {
        if (toEdgeError(error).code !== 'not_found') throw error;
        missing.push(project);
      }
    }
    if (missing.length > 0) throw new EdgeError('bad_request', `projects: there is no ${missing.join(', ')}.`);
  }
}

function missing({ projects }: Caller, name: string): EdgeError {
  const where = projects === undefined ? '' : ` that reaches only what yours reaches: ${projects.join(', ')}`;
  return new EdgeError('not_found', `There is no API token "${name}"${where}.`);
}
