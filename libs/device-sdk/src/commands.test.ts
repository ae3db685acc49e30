import { describe, expect, it } from 'vitest';
import { checkPath, matches } from './commands.js';

describe('a filter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a', false],
    ['a/b', 'a/b/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['+/b', 'a/b', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'b', false],
  ])('%s against %s: %s', (filter, topic, is) => {
    expect(matches(filter, topic)).toBe(is);
  });

  it.each(['', 'a/', 'a#', 'a/#/b', '+a', 'a\0', 'a'.repeat(600)])('is not %j', (path) => {
    expect(() => {
      checkPath(path, 'filter');
    }).toThrow('a path has levels');
  });

  it.each(['a', 'a/+/b', '#', 'a/#'])('may be %s', (path) => {
    checkPath(path, 'filter');
  });
});
