import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { EdgeError } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { hashPassword, verifyPassword } from '@selvage/pki';
import { IsNull, Not } from 'typeorm';
import { Database } from '../db/index.js';
import { type Caller, TooManyRequests } from '../http/index.js';
import { LoginRests } from './login-rests.js';
import { Tokens } from './tokens.service.js';
import { Token, User } from './users.entity.js';

const SESSION_MS = 12 * 3_600_000;

/** Who may come in: passwords and logins. */
@Injectable()
export class Users {
  private readonly rests = new LoginRests(systemClock);

  constructor(
    private readonly db: Database,
    private readonly tokens: Tokens,
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
    const session = { username, role: user.role, name: null, projects: null, expiresAt };
    const { text } = await this.db.write((tx) => this.tokens.make(tx, session));
    return { token: text, expiresAt, role: user.role };
  }

  /** Ends a login; an API token goes on. */
  async logout({ tokenId }: Caller): Promise<void> {
    const { affected } = await this.db.write((tx) => tx.delete(Token, { id: tokenId, name: IsNull() }));
    if (affected !== 0) this.tokens.ended([tokenId]);
  }

  /** Changes the caller's own password and ends all other logins of that user. */
  async changePassword({ tokenId }: Caller, { current, next }: { current: string; next: string }): Promise<void> {
    const session = await this.db.read.findOneBy(Token, { id: tokenId, name: IsNull() });
    const user = session && (await this.db.read.findOneBy(User, { username: session.username }));
    if (!user) throw new EdgeError('forbidden', 'An API token has no password; log in as a user.');
    if (!(await verifyPassword(current, user.passwordHash))) throw new EdgeError('wrong_password', '');
    const passwordHash = await hashPassword(next);
    const others = await this.db.write(async (tx) => {
      await tx.update(User, { username: user.username }, { passwordHash });
      const found = await tx.findBy(Token, { username: user.username, name: IsNull(), id: Not(tokenId) });
      const ids = found.map(({ id }) => id);
      for (const id of ids) await tx.delete(Token, { id });
      return ids;
    });
    this.tokens.ended(others);
  }

  private decoyHash: Promise<string> | undefined;
  private decoy(): Promise<string> {
    return (this.decoyHash ??= hashPassword(randomBytes(16).toString('hex')));
  }
}
