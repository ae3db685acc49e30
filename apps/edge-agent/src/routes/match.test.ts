import { describe, expect, it } from 'vitest';
import { takersOf } from './match.js';

const routes = (...lines: string[]) =>
  lines.map((line) => {
    const [uid = '', topic = '', group = ''] = line.split(' ');
    return { uid, topic, group };
  });

describe('a message of a topic is taken', () => {
  it.each([
    ['by the more exact of two routes to one target', ['wide t/# a', 'exact t/+/x a'], 't/1/x', { exact: { 1: '1' } }],
    ['by both when they lead to two', ['wide t/# a', 'exact t/1 b'], 't/1', { wide: { rest: '1' }, exact: {} }],
    ['by the lower uid when the filters are the same', ['b t/# a', 'a t/# a'], 't/1', { a: { rest: '1' } }],
    ['by the wide one where the exact one does not fit', ['wide t/# a', 'exact t/1 a'], 't/2', { wide: { rest: '2' } }],
    ['by nobody whom it does not fit', ['one t/+ a', 'all # a'], '$hw/events/device/d/updated', {}],
    ['whatever the order of the routes', ['exact t/1 a', 'wide # a'], 't/1', { exact: {} }],
  ])('%s', (_what, lines, topic, takers) => {
    expect(Object.fromEntries(takersOf(routes(...lines), topic))).toEqual(takers);
  });
});
