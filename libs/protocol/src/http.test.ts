import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Endpoint, Scope } from './endpoint.js';
import { endpoints } from './http.js';

const all = Object.values(endpoints).flatMap((group) => Object.values<Endpoint>(group));

describe('the table of endpoints', () => {
  it('names no method and path twice', () => {
    const keys = all.map(({ method, path }) => `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(all.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
    '%s has a schema for each path parameter',
    (_name, { path, params }) => {
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, parameter]) => parameter);
      expect(params).toBeInstanceOf(z.ZodObject);
      expect(params instanceof z.ZodObject ? Object.keys(params.shape).sort() : []).toEqual(named.sort());
    },
  );

  it.each<[Scope, string[]]>([
    ['caller', ['session.login', 'session.logout', 'session.me', 'session.password']],
    ['reach', ['audit.list', 'live.events', 'projects.list', 'tokens.list', 'tokens.make', 'tokens.remove']],
    ['hub', ['projects.put', 'projects.remove']],
  ])('has the scope %s only where it must', (scope, names) => {
    const those = Object.entries(endpoints).flatMap(([group, verbs]) =>
      Object.entries<Endpoint>(verbs).flatMap(([verb, one]) => (one.scope === scope ? `${group}.${verb}` : [])),
    );
    expect(those.sort()).toEqual(names);
  });

  it('is about a project exactly where one is in the path above', () => {
    const inside = all.filter(({ path }) => path.includes('{project}/'));
    expect(all.filter(({ scope }) => scope === 'project')).toEqual(inside);
  });

  it('lets only the login in without a role', () => {
    expect(all.filter(({ role }) => role === 'public').map(({ path }) => path)).toEqual(['/api/v1/login']);
  });
});
