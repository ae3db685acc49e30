import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ApiToken, EdgeError, type ListQuery, toEdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { hashPassword, verifyPassword } from '@selvage/pki';
import { IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { Database } from '../db/index.js';
import { type Authenticator, type Caller, RequestHooks, TooManyRequests } from '../http/index.js';
import { LoginRests } from './login-rests.js';
import { Token, User } from './users.entity.js';
import { callerOf, mayMake, shownToken } from './users.rules.js';

const SESSION_MS = 12 * 3_600_000;
const REMEMBER_MS = 2_000;
const MAX_REMEMBERED = 10_000;
const NOTE_USE_MS = 60_000;

interface TokenWrite {
  readonly name: string;
  readonly role: Token['role'];
  readonly projects?: string[] | undefined;
  readonly expiresInSeconds?: number | undefined;
}

/** Who may come in: passwords, logins and API tokens. */
@Injectable()
export class Users implements Authenticator {
  private readonly rests = new LoginRests(systemClock);
  /** Tokens seen a moment ago, so that a busy program costs no query per request. */
  private readonly remembered = new Map<string, { token: Token; until: number }>();

  constructor(
    private readonly db: Database,
    private readonly hooks: RequestHooks,
  ) {}

  /** Makes the first administrator with this password, if there is nobody yet; says whether it did. */
  async createAdmin(password: string): Promise<boolean> {
    if (await this.db.read.existsBy(User, {})) return false;
    const passwordHash = await hashPassword(password);
    await this.db.write((tx) => tx.insert(User, { username: 'admin', passwordHash, role: 'admin' }));
    return true;
  }

  /** @throws EdgeError `wrong_password`, `too_many_requests`. */
  async login({
    username,
    password,
  }: {
    username: string;
    password: string;
  }): Promise<{ token: string; expiresAt: string; role: Token['role'] }> {
    const rest = this.rests.secondsLeft(username);
    if (rest > 0) throw new TooManyRequests(rest);
    const user = await this.db.read.findOneBy(User, { username });
    // An unknown name costs as much time as a known one.
    const fits = await verifyPassword(password, user?.passwordHash ?? (await this.decoy()));
    if (user === null || !fits) {
      this.rests.failed(username);
      throw new EdgeError('wrong_password', '');
    }
    this.rests.succeeded(username);
    const expiresAt = new Date(systemClock.now() + SESSION_MS).toISOString();
    const token = await this.keepToken({ username, role: user.role, name: null, projects: null, expiresAt });
    return { token, expiresAt, role: user.role };
  }

  async logout({ tokenId }: Caller): Promise<void> {
    await this.db.write((tx) => tx.delete(Token, { id: tokenId, name: IsNull() }));
    this.remembered.delete(tokenId);
  }

  /** Changes the caller's own password and ends all other logins of that user. */
  async changePassword({ tokenId }: Caller, { current, next }: { current: string; next: string }): Promise<void> {
    const session = await this.db.read.findOneBy(Token, { id: tokenId, name: IsNull() });
    const user = session && (await this.db.read.findOneBy(User, { username: session.username }));
    if (!user) throw new EdgeError('forbidden', 'An API token has no password; log in as a user.');
    if (!(await verifyPassword(current, user.passwordHash))) throw new EdgeError('wrong_password', '');
    const passwordHash = await hashPassword(next);
    await this.db.write(async (tx) => {
      await tx.update(User, { username: user.username }, { passwordHash });
      await tx.delete(Token, { username: user.username, name: IsNull(), id: Not(tokenId) });
    });
    this.remembered.clear();
  }

  async authenticate(token: string): Promise<Caller | undefined> {
    const id = hashOf(token);
    const now = systemClock.now();
    const known = this.remembered.get(id);
    const found = known !== undefined && known.until > now ? known.token : await this.db.read.findOneBy(Token, { id });
    if (found === null) return undefined;
    if (found !== known?.token) await this.remember(found, now);
    return callerOf(found, now);
  }

  /** Makes an API token; its text is in the answer and nowhere else. @throws EdgeError `forbidden`, `bad_request`, `already_exists`. */
  async makeToken(maker: Caller, wanted: TokenWrite): Promise<ApiToken & { token: string }> {
    mayMake(maker, wanted);
    await this.mustExist(wanted.projects ?? []);
    const { name, role, projects = null, expiresInSeconds } = wanted;
    if (await this.db.read.existsBy(Token, { name }))
      throw new EdgeError('already_exists', `There is an API token "${name}".`);
    const expiresAt =
      expiresInSeconds === undefined ? null : new Date(systemClock.now() + expiresInSeconds * 1000).toISOString();
    const token = await this.keepToken({ username: maker.username, role, name, projects, expiresAt });
    const stored = await this.db.read.findOneByOrFail(Token, { id: hashOf(token) });
    return { ...shownToken(stored), token };
  }

  async listTokens({ limit, cursor }: ListQuery): Promise<{ items: ApiToken[]; cursor?: string }> {
    const name = cursor === undefined ? Not(IsNull()) : MoreThan(cursor);
    const found = await this.db.read.find(Token, { where: { name }, order: { name: 'ASC' }, take: limit + 1 });
    const items = found.slice(0, limit).map(shownToken);
    return found.length > limit ? { items, cursor: items.at(-1)?.name ?? '' } : { items };
  }

  async removeToken(name: string): Promise<void> {
    const { affected } = await this.db.write((tx) => tx.delete(Token, { name }));
    if (affected === 0) throw new EdgeError('not_found', `There is no API token "${name}".`);
    this.remembered.clear();
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

  private async keepToken(
    given: Pick<Token, 'username' | 'role' | 'name' | 'projects' | 'expiresAt'>,
  ): Promise<string> {
    const token = `sv_${randomBytes(32).toString('base64url')}`;
    const createdAt = new Date(systemClock.now()).toISOString();
    await this.db.write(async (tx) => {
      await tx.delete(Token, { expiresAt: LessThan(createdAt) });
      await tx.insert(Token, { ...given, id: hashOf(token), createdAt, lastUsedAt: null });
    });
    return token;
  }

  private async remember(token: Token, now: number): Promise<void> {
    const [oldest] = this.remembered.keys();
    if (this.remembered.size >= MAX_REMEMBERED && oldest !== undefined) this.remembered.delete(oldest);
    this.remembered.set(token.id, { token, until: now + REMEMBER_MS });
    if (token.lastUsedAt !== null && now - Date.parse(token.lastUsedAt) < NOTE_USE_MS) return;
    token.lastUsedAt = new Date(now).toISOString();
    await this.db.write((tx) => tx.update(Token, { id: token.id }, { lastUsedAt: token.lastUsedAt }));
  }

  private decoyHash: Promise<string> | undefined;
  private decoy(): Promise<string> {
    return (this.decoyHash ??= hashPassword(randomBytes(16).toString('hex')));
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
