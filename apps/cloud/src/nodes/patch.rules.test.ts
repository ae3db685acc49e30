import { nodeWrite } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { mergePatch, patched } from './patch.rules.js';

describe('a merge patch (the cases of RFC 7396, appendix A)', () => {
  it.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched with %j is %j', (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected);
  });

  it('takes __proto__ as any other key', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"admin":true}}'));
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(Object.keys(Object(merged) as object)).toEqual(['__proto__']);
  });

  it('is refused when nested too deep', () => {
    const deep: unknown = JSON.parse('{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000));
    expect(() => mergePatch({}, deep)).toThrow(/nested deeper/);
  });
});

describe('an object after a patch', () => {
  const current = { labels: { site: 'a' }, spec: { enabled: true, description: 'x' } };

  it('has defaults where the patch removes', () => {
    const patch = { labels: { site: null, tier: 'b' }, spec: { description: null } };
    expect(patched(nodeWrite, current, patch)).toEqual({
      labels: { tier: 'b' },
      spec: { enabled: true, description: '' },
    });
  });

  it.each([
    [{ spec: { enabled: 'no' } }, /spec\.enabled: /],
    [{ spec: { colour: 'red' } }, /spec: .*colour/],
    [{ labels: { site: 'a b' } }, /labels\.site: /],
  ])('is refused with the path when %j makes it invalid', (patch, problem) => {
    expect(() => patched(nodeWrite, current, patch)).toThrow(problem);
  });
});
