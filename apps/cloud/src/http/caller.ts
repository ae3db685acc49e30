import type { Role } from '@selvage/protocol';

/** Who asks. `projects` absent: all of them. */
export interface Caller {
  readonly username: string;
  readonly role: Role;
  readonly projects?: readonly string[];
  /** Names the token in use, so that logging out can end it. */
  readonly tokenId: string;
  /** When that token is over, epoch milliseconds; absent: never. */
  readonly endsAt?: number;
}

/** Finds out who asks; the `users` slice is it. Registered with `AuthRegistry`. */
export interface Authenticator {
  /** The caller that a bearer token belongs to; undefined for a token that is unknown or over. */
  authenticate(token: string): Promise<Caller | undefined>;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether a caller's role is at least `needed`. */
export function mayAs(caller: Pick<Caller, 'role'>, needed: Role): boolean {
  return RANK[caller.role] >= RANK[needed];
}

/** Who reaches what: `projects` absent or null means all of them, and what belongs to none. */
export interface Reach {
  readonly projects?: readonly string[] | null | undefined;
}

/** Whether a caller may touch a project at all. */
export function mayIn({ projects }: Reach, project: string): boolean {
  return projects?.includes(project) ?? true;
}

/** Whether one reaches all that another reaches. */
export function reachesAll({ projects }: Reach, other: Reach): boolean {
  if (!projects) return true;
  const wanted = other.projects ?? [];
  return wanted.length > 0 && wanted.every((project) => projects.includes(project));
}
