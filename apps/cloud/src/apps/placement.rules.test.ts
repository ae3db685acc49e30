import { describe, expect, it } from 'vitest';
import { commonNode, isPlaced, refuseUnknownNodes, whereOf } from './placement.rules.js';

const node = (name: string, labels: Record<string, string> = {}) => ({ name, labels });

describe('an app is placed', () => {
  it.each<[string, string[], string | undefined, boolean]>([
    ['on a named node', ['n1'], undefined, true],
    ['not on another node', ['n2'], undefined, false],
    ['on a node whose labels match', [], 'site=a', true],
    ['not on a node whose labels do not match', [], 'site=b', false],
    ['on a named node whatever its labels', ['n1'], 'site=b', true],
    ['not everywhere when the selector is empty', ['n2'], '', false],
    ['not everywhere when the selector has commas only', ['n2'], ' , ', false],
  ])('%s', (_what, nodes, selector, expected) => {
    const where = whereOf(selector === undefined ? { nodes } : { nodes, selector });
    expect(isPlaced(where, node('n1', { site: 'a' }))).toBe(expected);
  });
});

describe('two apps', () => {
  const nodes = [node('n1', { site: 'a' }), node('n2', { site: 'b', gpu: 'yes' })];
  it.each<[string, string | undefined, string | undefined]>([
    ['site=a', 'site=b', undefined],
    ['site=b', 'gpu', 'n2'],
  ])('placed by %s and %s meet on %s', (a, b, expected) => {
    const [first, second] = [a, b].map((selector) => whereOf({ nodes: [], selector: selector ?? '' }));
    expect(first && second && commonNode(first, second, nodes)).toBe(expected);
  });
});

describe('unknown nodes', () => {
  it.each<[string[], RegExp]>([
    [['n1', 'x'], /node "x" does not exist/],
    [['x', 'y'], /nodes "x", "y" do not exist/],
    [Array.from({ length: 12 }, (_, i) => `x${i}`), /and 2 more do not exist/],
  ])('%j are named', (wanted, message) => {
    expect(() => {
      refuseUnknownNodes(wanted, new Set(['n1']));
    }).toThrow(message);
  });

  it('are none when all are known', () => {
    expect(() => {
      refuseUnknownNodes(['n1'], new Set(['n1']));
    }).not.toThrow();
  });
});
