import { describe, expect, it } from 'vitest';
import { clauses } from './clauses/index.js';

describe('the suite', () => {
  it('has a title of its own for every clause', () => {
    const titles = clauses.map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it('is large', () => {
    expect(clauses.length).toBeGreaterThan(120);
  });
});
