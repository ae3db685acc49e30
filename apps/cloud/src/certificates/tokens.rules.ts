import { createHash } from 'node:crypto';
import { EdgeError, type JoinTokenParts } from '@selvage/protocol';

/** A stored join token: everything but the secret, of which only the SHA-256 is kept. */
export interface StoredToken {
  readonly project: string;
  readonly node: string;
  readonly expiresAt: string;
  /** SHA-256 of the public key that used it, hexadecimal; null while unused. */
  readonly usedKey: string | null;
  readonly revokedAt: string | null;
}

/** A join, reduced to what decides whether its token is good. `now` is in milliseconds since 1970. */
export interface TokenUse {
  readonly parts: JoinTokenParts;
  /** Name that the operator gave on the machine, when one was given. */
  readonly node: string | undefined;
  /** SHA-256 of the public key that asks, hexadecimal. */
  readonly key: string;
  readonly caSha256: string;
  readonly now: number;
}

/**
 * Whether a join token may be used: by the node it names, before its end, once; by the same key again, because a machine may
 * stop between the hub's answer and its own disk.
 * @returns the refusal: `token_invalid`, `token_wrong_node`, `ca_mismatch`, `token_expired` or `token_used`; undefined when good.
 */
export function tokenRefusal(token: StoredToken | undefined, use: TokenUse): EdgeError | undefined {
  const { parts } = use;
  if (!token) return new EdgeError('token_invalid', 'Make a new one with "selvage node join".');
  if (token.revokedAt !== null) return new EdgeError('token_invalid', 'It was withdrawn; make a new one.');
  if (token.project !== parts.project || token.node !== parts.node || (use.node ?? parts.node) !== token.node)
    return new EdgeError('token_wrong_node', `It is for node "${token.node}" of project "${token.project}".`);
  if (parts.caSha256 !== use.caSha256) return new EdgeError('ca_mismatch', 'Make a new join token at this hub.');
  if (Date.parse(token.expiresAt) <= use.now)
    return new EdgeError('token_expired', `It was good until ${token.expiresAt}; make a new one.`);
  if (token.usedKey !== null && token.usedKey !== use.key)
    return new EdgeError('token_used', 'A join token works for one machine; make a new one.');
  return undefined;
}

/** What a token is stored under: the SHA-256 of its secret, hexadecimal. */
export function tokenId(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
