import { describe, expect, it } from 'vitest';
import {
  byExactness,
  byPathExactness,
  checkTemplate,
  fill,
  loopIn,
  matchPath,
  matchTopic,
  pathShape,
  readPath,
  topicsOf,
  wholeFilter,
} from './index.js';

describe('a topic filter', () => {
  it.each([
    ['a/b', 'a/b', {}],
    ['a/+/c', 'a/b/c', { 1: 'b' }],
    ['a/#', 'a/b/c', { rest: 'b/c' }],
    ['a/#', 'a', { rest: '' }],
    ['+/+/#', 'x/y/z/w', { 1: 'x', 2: 'y', rest: 'z/w' }],
    ['a/+', 'a/', { 1: '' }],
    ['a/b', 'a/bc', undefined],
    ['a/b', 'x/a/b', undefined],
    ['a.b', 'axb', undefined],
    ['a/+', 'a/b/c', undefined],
    ['#', '$hw/x', undefined],
    ['$hw/#', '$hw/x', { rest: 'x' }],
  ])('%s and %s', (filter, topic, captures) => {
    expect(matchTopic(filter, topic)).toEqual(captures);
  });

  it('that is more exact comes first, in whatever order they were written', () => {
    const filters = ['#', 'a/#', 'a/+/c', 'a/+/+', 'a/b/#', 'a/b/c', '+/b/c'];
    const sorted = ['a/b/c', 'a/b/#', 'a/+/c', 'a/+/+', 'a/#', '+/b/c', '#'];
    expect([...filters].sort(byExactness)).toEqual(sorted);
    expect([...filters].reverse().sort(byExactness)).toEqual(sorted);
  });

  it('is written short or whole', () => {
    const at = { project: 'p', node: 'n' };
    expect(wholeFilter('user/a/+', at)).toBe('p/nodes/n/user/a/+');
    expect(wholeFilter('{project}/x/{node}/#', at)).toBe('p/x/n/#');
    expect(wholeFilter('users/a', at)).toBe('users/a');
  });

  it.each([
    ['a/b#', /character 4/],
    ['a/#/b', /character 3/],
    ['a/x+', /character 3/],
    ['a/{x}', /only \{project\} and \{node\}/],
    ['$share/g/a', /\$share/],
    ['a/'.repeat(40), /32 levels/],
  ])('%s is refused', (filter, why) => {
    expect(() => wholeFilter(filter, { project: 'p', node: 'n' })).toThrow(why);
  });
});

describe('a path', () => {
  it.each([
    ['/default/a', '/default/a', {}],
    ['/default/a', '/default/abc', undefined],
    ['/default/a', '/other/default/a', undefined],
    ['/default/a', '/default/a/', undefined],
    ['/a.b', '/axb', undefined],
    ['/a/{x}/b', '/a/1/2/b', undefined],
    ['/a/{x}/b', '/a/1/b', { x: '1' }],
    ['/a/{x}', '/a/', undefined],
    ['/a/{all...}', '/a/1/2', { all: '1/2' }],
    ['/a/{all...}', '/a', { all: '' }],
    ['/{all...}', '/', { all: '' }],
    ['/', '/', {}],
  ])('%s and %s', (template, path, captures) => {
    expect(matchPath(readPath(template), path)).toEqual(captures);
  });

  it('that is more exact comes first', () => {
    const texts = ['/{all...}', '/a/{x}', '/a/{all...}', '/a/b', '/{x}/b'];
    expect(
      texts
        .map(readPath)
        .sort(byPathExactness)
        .map(({ text }) => text),
    ).toEqual(['/a/b', '/a/{x}', '/a/{all...}', '/{x}/b', '/{all...}']);
  });

  it('has one shape whatever its captures are called', () => {
    expect(pathShape(readPath('/a/{x}/{r...}'))).toBe(pathShape(readPath('/a/{y}/{s...}')));
    expect(pathShape(readPath('/a/{x}'))).not.toBe(pathShape(readPath('/a/x')));
  });

  it.each([
    ['/a/{x', /character 4: a capture is a whole segment/],
    ['/a/b{x}', /character 4/],
    ['/a/{x}/{x}', /character 8: the capture \{x\} is there twice/],
    ['/{x...}/b', /stands at the end/],
    ['/a//b', /character 4: a segment is empty/],
    ['/a b', /a character that paths do not have/],
  ])('%s is refused with the place', (text, why) => {
    expect(() => readPath(text)).toThrow(why);
  });
});

describe('a template', () => {
  it('is filled in', () => {
    expect(fill('x/{node}/{1}', { node: 'n', 1: 'a' })).toBe('x/n/a');
    expect(() => fill('{device}', {})).toThrow('The message has no {device}.');
    expect(() => fill('{constructor}', {})).toThrow('The message has no');
  });

  it('names what is not there, and where', () => {
    expect(() => {
      checkTemplate('topic', 'a/{foo}', ['node', '1']);
    }).toThrow('topic: character 3: there is no {foo}; there are {node} {1}');
    expect(() => {
      checkTemplate('topic', 'a/{node}/}', ['node']);
    }).toThrow('character 10: a brace without its other half');
  });
});

describe('a loop', () => {
  const hop = (name: string, filter: string, target: string, nodes?: string[]) => ({
    ...{ name, filter, publishes: topicsOf(target) },
    ...{ from: nodes, to: nodes },
  });

  it.each([
    ['of one route', [hop('a', 'x/#', 'x/y')], ['a', 'a']],
    ['of two', [hop('a', 'x/+', 'y/{1}'), hop('b', 'y/#', 'x/{rest}')], ['a', 'b', 'a']],
    [
      'of three, beside others',
      [hop('z', 'q', 'x/1'), hop('a', 'x/1', 'y'), hop('b', 'y', 'z'), hop('c', 'z', 'x/1')],
      ['a', 'b', 'c', 'a'],
    ],
    ['not of a chain', [hop('a', 'x', 'y'), hop('b', 'y', 'z')], undefined],
    ['not over different nodes', [hop('a', 'x', 'y', ['n1']), hop('b', 'y', 'x', ['n2'])], undefined],
  ])('%s', (_what, hops, circle) => {
    expect(loopIn(hops)).toEqual(circle);
  });
});
