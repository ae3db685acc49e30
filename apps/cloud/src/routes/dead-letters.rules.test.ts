import { describe, expect, it } from 'vitest';
import { firstAfter, idOf, placesFrom, readCursor, readId, seqsByPlace } from './dead-letters.rules.js';

describe('the id of a dead letter', () => {
  it.each([
    ['12', { node: undefined, seq: 12 }],
    ['edge-1/7', { node: 'edge-1', seq: 7 }],
  ])('%s says where it lies', (text, id) => {
    expect(readId(text)).toEqual(id);
    expect(idOf(id)).toBe(text);
  });

  it.each(['', '0', '-1', '1.5', 'x', 'Node/1', 'a/b/1', '../1', '9'.repeat(16), 'a/'])('is not %j', (text) => {
    expect(() => readId(text)).toThrow(expect.objectContaining({ code: 'bad_request' }));
    expect(() => readCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
  });
});

describe('pages of dead letters', () => {
  it('go through the hub and then through the nodes', () => {
    expect(placesFrom(['a', 'b', 'c'], undefined)).toEqual([undefined, 'a', 'b', 'c']);
    expect(placesFrom(['a', 'b', 'c'], 'b')).toEqual(['b', 'c']);
    expect(firstAfter(undefined, undefined)).toBe(0);
    expect(firstAfter({ seq: 5 }, undefined)).toBe(5);
    expect(firstAfter({ node: 'b', seq: 5 }, 'b')).toBe(5);
    expect(firstAfter({ node: 'b', seq: 5 }, 'c')).toBe(0);
  });

  it('are chosen place by place', () => {
    expect(seqsByPlace([{ seq: 1 }, { node: 'a', seq: 2 }, { seq: 3 }])).toEqual(
      new Map([
        [undefined, [1, 3]],
        ['a', [2]],
      ]),
    );
  });
});
