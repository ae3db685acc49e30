import { describe, expect, it } from 'vitest';
import { type StoredToken, tokenRefusal, type TokenUse } from './tokens.rules.js';

const now = Date.parse('2026-03-01T00:00:00.000Z');
const token = (change: Partial<StoredToken> = {}): StoredToken => ({
  project: 'default',
  node: 'n1',
  expiresAt: '2026-03-01T00:00:01.000Z',
  usedKey: null,
  revokedAt: null,
  ...change,
});
const use = (change: Partial<TokenUse> = {}): TokenUse => ({
  parts: { project: 'default', node: 'n1', secret: 's', caSha256: 'ca' },
  node: undefined,
  key: 'key',
  caSha256: 'ca',
  now,
  ...change,
});

describe('a join token', () => {
  it.each<[string, StoredToken | undefined, TokenUse, string | undefined]>([
    ['is good when fresh', token(), use(), undefined],
    ['is good for the node that the machine was told', token(), use({ node: 'n1' }), undefined],
    ['is good again for the key that used it', token({ usedKey: 'key' }), use(), undefined],
    ['is unknown', undefined, use(), 'token_invalid'],
    ['is withdrawn', token({ revokedAt: '2026-02-01T00:00:00.000Z' }), use(), 'token_invalid'],
    ['is refused to another machine', token({ usedKey: 'other' }), use(), 'token_used'],
    ['is refused at its end', token({ expiresAt: '2026-03-01T00:00:00.000Z' }), use(), 'token_expired'],
    [
      'is refused at its end to the same key too',
      token({ expiresAt: '2026-02-01T00:00:00.000Z', usedKey: 'key' }),
      use(),
      'token_expired',
    ],
    ['is refused under another name', token(), use({ node: 'n2' }), 'token_wrong_node'],
    ['is refused when its text names another node', token({ node: 'n2' }), use(), 'token_wrong_node'],
    ['is refused when its text names another project', token({ project: 'p2' }), use(), 'token_wrong_node'],
    ['is refused when it names another authority', token(), use({ caSha256: 'other' }), 'ca_mismatch'],
  ])('%s', (_what, stored, given, code) => {
    expect(tokenRefusal(stored, given)?.code).toBe(code);
  });
});
