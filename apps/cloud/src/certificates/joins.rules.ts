import { EdgeError, nodeKey } from '@selvage/protocol';
import { type StoredToken, tokenRefusal, type TokenUse } from './tokens.rules.js';

/** A join that asks to be let in. `tokenId` is the SHA-256 of the token's secret. */
export interface AskedJoin extends Pick<TokenUse, 'parts' | 'node' | 'key'> {
  readonly tokenId: string;
}

/** What became of one join of a batch. `first`: its token was not used before. */
export type JoinDecision<A> = { readonly ok: A & { readonly first: boolean } } | { readonly error: EdgeError };

/**
 * Decides joins that came together, in their order: each as if those before it had happened. `tokens` by their ids.
 * Of two new machines that join as one node at the same moment, the second has to ask again, so that it replaces the first.
 */
export function decideJoins<A extends AskedJoin>(
  asked: readonly A[],
  tokens: ReadonlyMap<string, StoredToken>,
  given: Pick<TokenUse, 'caSha256' | 'now'>,
): JoinDecision<A>[] {
  const usedKeys = new Map<string, string>();
  const joining = new Set<string>();
  return asked.map((ask) => {
    const stored = tokens.get(ask.tokenId);
    const usedKey = stored?.usedKey ?? usedKeys.get(ask.tokenId) ?? null;
    const error = tokenRefusal(stored && { ...stored, usedKey }, { ...ask, ...given });
    if (error !== undefined) return { error };
    const first = usedKey === null;
    const node = nodeKey(ask.parts);
    if (first && joining.has(node))
      return { error: new EdgeError('overloaded', 'Another machine joins as this node right now; try again.') };
    if (first) joining.add(node);
    usedKeys.set(ask.tokenId, ask.key);
    return { ok: { ...ask, first } };
  });
}
