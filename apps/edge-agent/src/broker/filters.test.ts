import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, filterProblem, names } from './filters.js';

describe('a topic filter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$hw/events', false],
    ['+/events', '$hw/events', false],
    ['$hw/#', '$hw/events', true],
    ['a/b', 'A/b', false],
  ])('%s names %s: %s', (filter, topic, expected) => {
    expect(names(filter, topic)).toBe(expected);
  });

  it.each([
    ['a/#', 'a/b', true],
    ['a/#', 'a/+', true],
    ['a/#', 'a/#', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/+', true],
    ['a/+', 'a/b/c', false],
    ['a/b', 'a/+', false],
    ['#', 'a/b', true],
    ['#', '$hw/x', false],
    ['#', '#', true],
    ['$hw/a/#', '$hw/#', false],
    ['$hw/a/+', '$hw/a/b', true],
    ['+', '#', false],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected);
  });

  it.each([
    ['a/b', undefined],
    ['', 'not empty'],
    ['a/b#', 'stands alone'],
    ['a/#/b', 'last level'],
    ['a+/b', 'stands alone'],
    ['$share/g/t', 'shared'],
    ['a/b/c/d', 'levels'],
    ['/', undefined],
    ['+/#', undefined],
  ])('%s: %s', (filter, problem) => {
    if (problem === undefined) expect(filterProblem(filter, 3)).toBeUndefined();
    else expect(filterProblem(filter, 3)).toContain(problem);
  });

  const level = fc.constantFrom('a', 'b', '', '$x', '+');
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'));
  const topic = fc
    .array(fc.constantFrom('a', 'b', '', '$x'), { minLength: 1, maxLength: 5 })
    .map((all) => all.join('/'));

  it('that covers another names whatever the other names', () => {
    fc.assert(
      fc.property(filter, filter, topic, (outer, inner, one) => {
        if (covers(outer, inner) && names(inner, one)) expect(names(outer, one)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
