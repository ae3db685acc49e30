import { describe, expect, it } from 'vitest';
import { type AskedJoin, decideJoins } from './joins.rules.js';
import type { StoredToken } from './tokens.rules.js';

const given = { caSha256: 'ca', now: Date.parse('2026-03-01T00:00:00.000Z') };
const ask = (tokenId: string, key: string, node = 'n1'): AskedJoin => ({
  tokenId,
  key,
  node: undefined,
  parts: { project: 'default', node, secret: 's', caSha256: 'ca' },
});
const token = (node: string, usedKey: string | null = null): StoredToken => ({
  project: 'default',
  node,
  expiresAt: '2026-03-02T00:00:00.000Z',
  usedKey,
  revokedAt: null,
});
const tokens = new Map([
  ['a', token('n1')],
  ['b', token('n1')],
  ['c', token('n2')],
  ['used', token('n3', 'k')],
]);

describe('joins that come together', () => {
  it.each<[string, AskedJoin[], (string | boolean)[]]>([
    ['are each good with a token of their own', [ask('a', 'k1'), ask('c', 'k2', 'n2')], [true, true]],
    ['with one token and two keys: the first gets it', [ask('a', 'k1'), ask('a', 'k2')], [true, 'token_used']],
    ['with one token and one key: the second is the first again', [ask('a', 'k1'), ask('a', 'k1')], [true, false]],
    ['with a token that the same key used before', [ask('used', 'k', 'n3')], [false]],
    ['as one node with two tokens: the second asks again', [ask('a', 'k1'), ask('b', 'k2')], [true, 'overloaded']],
    ['do not spoil each other', [ask('none', 'k1'), ask('c', 'k2', 'n2')], ['token_invalid', true]],
  ])('%s', (_what, asked, expected) => {
    const decided = decideJoins(asked, tokens, given);
    expect(decided.map((one) => ('ok' in one ? one.ok.first : one.error.code))).toEqual(expected);
  });
});
