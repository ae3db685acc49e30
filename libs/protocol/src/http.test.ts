import { describe, expect, it } from 'vitest';
import type { Endpoint } from './endpoint.js';
import { endpoints } from './http.js';

const all: Endpoint[] = Object.values(endpoints).flatMap((group) => Object.values(group) as Endpoint[]);

describe('the table of endpoints', () => {
  it('names no method and path twice', () => {
    const keys = all.map(({ method, path }) => `${method} ${path.replace(/\{[^}]+\}/g, '{}')}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(all.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
    '%s has a schema for each path parameter',
    (_name, { path, params }) => {
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map(([, parameter]) => parameter);
      const shape = (params as unknown as { shape: Record<string, unknown> }).shape;
      expect(Object.keys(shape).sort()).toEqual(named.sort());
    },
  );

  it('lets only the login in without a role', () => {
    expect(all.filter(({ role }) => role === 'public').map(({ path }) => path)).toEqual(['/api/v1/login']);
  });
});
