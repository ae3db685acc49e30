import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { In, LessThan } from 'typeorm';
import { Database, type Forgetting, type Transaction } from '../db/index.js';
import { type Authenticator, type Caller, OpenStreams } from '../http/index.js';
import { Token } from './users.entity.js';
import { callerOf } from './users.rules.js';

const REMEMBER_MS = 2_000;
const MAX_REMEMBERED = 10_000;
const NOTE_USE_MS = 60_000;

/** What is said of a token when it is made. */
export type TokenMade = Pick<Token, 'username' | 'role' | 'name' | 'projects' | 'expiresAt'>;

/** The bearer tokens of logins and programs: who somebody is that shows one. */
@Injectable()
export class Tokens implements Authenticator {
  /** Tokens seen a moment ago, so that a busy program costs no query per request. */
  private readonly remembered = new Map<string, { token: Token; until: number }>();

  private endings = 0;

  constructor(
    private readonly db: Database,
    private readonly streams: OpenStreams,
  ) {}

  async authenticate(token: string): Promise<Caller | undefined> {
    const id = hashOf(token);
    const now = systemClock.now();
    const known = this.remembered.get(id);
    const { endings } = this;
    const found = known !== undefined && known.until > now ? known.token : await this.db.read.findOneBy(Token, { id });
    if (found === null) return undefined;
    // One that may have been taken away while it was read is read again.
    if (endings !== this.endings) return this.authenticate(token);
    if (found !== known?.token) await this.remember(found, now);
    return callerOf(found, now);
  }

  /** Makes a token, in the transaction given. Its text is in the answer and nowhere else. @throws EdgeError `already_exists`. */
  async make(tx: Transaction, given: TokenMade): Promise<{ text: string; token: Token }> {
    const text = `sv_${randomBytes(32).toString('base64url')}`;
    const createdAt = new Date(systemClock.now()).toISOString();
    const token = { ...given, id: hashOf(text), createdAt, lastUsedAt: null };
    if (given.name !== null) await tx.delete(Token, { name: given.name, expiresAt: LessThan(createdAt) });
    await tx.createQueryBuilder().insert().into(Token).values(token).orIgnore().execute();
    // Another one took the name a moment ago.
    if (!(await tx.existsBy(Token, { id: token.id })))
      throw new EdgeError('already_exists', `There is an API token "${given.name ?? ''}".`);
    return { text, token };
  }

  /** Call it after the commit that took tokens away: what was opened with them ends. */
  ended(ids: readonly string[]): void {
    this.endings += 1;
    for (const id of ids) this.remembered.delete(id);
    this.streams.end(ids);
  }

  /** Logins and API tokens whose time has ended. */
  expired(): Forgetting<string> {
    const find = async (now: number, take: number): Promise<string[]> => {
      const where = { expiresAt: LessThan(new Date(now).toISOString()) };
      return (await this.db.read.find(Token, { select: { id: true }, where, take })).map(({ id }) => id);
    };
    return { what: 'expired logins and API tokens', find, remove: (tx, ids) => tx.delete(Token, { id: In(ids) }) };
  }

  private async remember(token: Token, now: number): Promise<void> {
    const [oldest] = this.remembered.keys();
    if (this.remembered.size >= MAX_REMEMBERED && oldest !== undefined) this.remembered.delete(oldest);
    this.remembered.set(token.id, { token, until: now + REMEMBER_MS });
    if (token.lastUsedAt !== null && now - Date.parse(token.lastUsedAt) < NOTE_USE_MS) return;
    token.lastUsedAt = new Date(now).toISOString();
    await this.db.write((tx) => tx.update(Token, { id: token.id }, { lastUsedAt: token.lastUsedAt }));
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
