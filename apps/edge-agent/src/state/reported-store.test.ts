import { expect, it } from 'vitest';
import { ReportedStore } from './index.js';

it('reports a value once, however often and in whatever order of keys it is set', () => {
  const store = new ReportedStore();
  const told: string[] = [];
  store.onChange((name) => told.push(name));
  store.set('facts', { a: 1, b: 2 });
  store.set('facts', { b: 2, a: 1 });
  store.set('apps', []);
  expect(told).toEqual(['facts', 'apps']);
  store.set('facts', { a: 1, b: 3 });
  expect(told).toEqual(['facts', 'apps', 'facts']);
  expect(store.get('facts')?.hash).toBe(store.hashes().facts);
  expect(Object.keys(store.hashes())).toEqual(['facts', 'apps']);
});
