import { describe, expect, it } from 'vitest';
import { callerOf, mayMake, restAfter, shownToken, type StoredToken } from './users.rules.js';

const token: StoredToken = {
  id: 'hash',
  name: 'ci',
  username: 'admin',
  role: 'operator',
  projects: ['a'],
  createdAt: '2030-01-01T00:00:00.000Z',
  expiresAt: '2030-01-02T00:00:00.000Z',
  lastUsedAt: null,
};

describe('a token', () => {
  it('speaks for its name, role and projects until it is over', () => {
    const caller = { username: 'token ci', role: 'operator', projects: ['a'], tokenId: 'hash' };
    const endsAt = Date.parse('2030-01-02T00:00:00Z');
    expect(callerOf(token, Date.parse('2030-01-01T23:59:59Z'))).toEqual({ ...caller, endsAt });
    expect(callerOf(token, Date.parse('2030-01-02T00:00:00Z'))).toBeUndefined();
    expect(callerOf({ ...token, name: null, projects: null, expiresAt: null }, 0)).toEqual({
      username: 'admin',
      role: 'operator',
      tokenId: 'hash',
    });
  });

  it('is shown without its hash', () => {
    expect(JSON.stringify(shownToken(token))).not.toContain('hash');
  });
});

describe('wrong passwords', () => {
  it.each([
    [1, 0],
    [4, 0],
    [5, 1],
    [6, 2],
    [20, 300],
  ])('%i in a row make the name rest for %i s', (failures, seconds) => {
    expect(restAfter(failures)).toBe(seconds);
  });
});

describe('what a token makes', () => {
  const own = { name: 'ci', role: 'operator', projects: ['a'], expiresAt: '2030-01-02T00:00:00.000Z' } as const;
  const inside = { role: 'operator', projects: ['a'], expiresAt: '2030-01-01T00:00:00.000Z' } as const;

  it.each([
    ['reaches everything', { projects: null }, 'reaches only: a'],
    ['reaches nothing that is named', { projects: [] }, 'reaches only: a'],
    ['reaches another project', { projects: ['b'] }, 'reaches only: a'],
    ['reaches one more project', { projects: ['a', 'b'] }, 'reaches only: a'],
    ['may more', { role: 'admin' }, 'has the role operator'],
    ['lasts for ever', { expiresAt: null }, 'ends at 2030-01-02T00:00:00.000Z'],
    ['lasts longer', { expiresAt: '2030-01-02T00:00:00.001Z' }, 'ends at 2030-01-02T00:00:00.000Z'],
  ] as const)('is refused when it %s', (_what, more, says) => {
    expect(() => {
      mayMake(own, { ...inside, ...more });
    }).toThrow(says);
  });

  it('is made when it is no stronger', () => {
    mayMake(own, inside);
    mayMake(own, { role: 'viewer', projects: ['a'], expiresAt: own.expiresAt });
    mayMake({ ...own, projects: ['a', 'b'] }, inside);
    mayMake({ ...own, projects: null, expiresAt: null }, { role: 'operator', projects: null, expiresAt: null });
  });

  it('may outlive a login', () => {
    mayMake({ ...own, name: null, projects: null }, { role: 'operator', projects: null, expiresAt: null });
  });
});
