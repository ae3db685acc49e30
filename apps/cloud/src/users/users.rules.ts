import { type ApiToken, EdgeError, type Role } from '@selvage/protocol';
import { type Caller, mayAs, reachesAll } from '../http/index.js';

/** A token as it is kept. */
export interface StoredToken {
  readonly id: string;
  readonly name: string | null;
  readonly username: string;
  readonly role: Role;
  readonly projects: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

/** Who calls with a token; undefined when it is over. `now` in epoch milliseconds. */
export function callerOf(token: StoredToken, now: number): Caller | undefined {
  const endsAt = token.expiresAt === null ? undefined : Date.parse(token.expiresAt);
  if (endsAt !== undefined && endsAt <= now) return undefined;
  const { id: tokenId, name, username, role, projects } = token;
  return {
    username: name === null ? username : `token ${name}`,
    role,
    ...(projects === null ? {} : { projects: [...projects] }),
    tokenId,
    ...(endsAt !== undefined && { endsAt }),
  };
}

/** What the API shows of an API token. */
export function shownToken(token: StoredToken): ApiToken {
  const { name, role, projects, createdAt, expiresAt, lastUsedAt } = token;
  return {
    name: name ?? '',
    role,
    createdAt,
    ...(projects === null ? {} : { projects: [...projects] }),
    ...(expiresAt === null ? {} : { expiresAt }),
    ...(lastUsedAt === null ? {} : { lastUsedAt }),
  };
}

const FREE_FAILURES = 5;
const LONGEST_WAIT_S = 300;

/** Seconds that a user name rests after so many wrong passwords in a row: none for the first five, then doubling up to five minutes. */
export function restAfter(failures: number): number {
  return failures < FREE_FAILURES ? 0 : Math.min(LONGEST_WAIT_S, 2 ** (failures - FREE_FAILURES));
}

/** @throws EdgeError `forbidden` when a token would make one that may more, reaches further or lasts longer than itself. */
export function mayMake(
  own: Pick<StoredToken, 'name' | 'role' | 'projects' | 'expiresAt'>,
  wanted: Pick<StoredToken, 'role' | 'projects' | 'expiresAt'>,
): void {
  if (!mayAs(own, wanted.role)) throw new EdgeError('forbidden', `Your own token has the role ${own.role}.`);
  if (!reachesAll(own, wanted))
    throw new EdgeError('forbidden', `Your own token reaches only: ${own.projects?.join(', ') ?? ''}.`);
  // A login ends every day; whoever can log in again may make what outlives it.
  if (own.name === null || own.expiresAt === null) return;
  if (wanted.expiresAt === null || wanted.expiresAt > own.expiresAt)
    throw new EdgeError('forbidden', `Your own token ends at ${own.expiresAt}: the new one must end before.`);
}
