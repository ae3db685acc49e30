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
    expect(callerOf(token, Date.parse('2030-01-01T23:59:59Z'))).toEqual(caller);
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

describe('an admin limited to projects', () => {
  it.each([undefined, [], ['b'], ['a', 'b']])('makes no token for %j', (projects) => {
    expect(() => {
      mayMake({ projects: ['a'] }, { projects });
    }).toThrow('reaches only: a');
  });

  it('makes one for what it reaches itself', () => {
    mayMake({ projects: ['a', 'b'] }, { projects: ['a'] });
    mayMake({}, {});
  });
});
