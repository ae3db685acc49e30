import type { Role } from '@selvage/protocol';

/** Who asks. `projects` absent: all of them. */
export interface Caller {
  readonly username: string;
  readonly role: Role;
  readonly projects?: readonly string[];
  /** Names the token in use, so that logging out can end it. */
  readonly tokenId: string;
}

/** Finds out who asks; the `users` slice is it. Registered with `AuthRegistry`. */
export interface Authenticator {
  /** The caller that a bearer token belongs to; undefined for a token that is unknown or over. */
  authenticate(token: string): Promise<Caller | undefined>;
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether a caller's role is at least `needed`. */
export function mayAs(caller: Caller, needed: Role): boolean {
  return RANK[caller.role] >= RANK[needed];
}

/** Whether a caller may touch a project at all. */
export function mayIn(caller: Caller, project: string): boolean {
  return caller.projects?.includes(project) ?? true;
}
