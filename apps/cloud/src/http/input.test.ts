import { endpoints } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { parseInput, type RawInput } from './input.js';

const params = { project: 'default', name: 'n1' };
const raw = (more: Partial<RawInput>): RawInput => ({ params, query: {}, body: { spec: {} }, ...more });
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

describe('the input of a request', () => {
  it('is parsed by the schemas of its endpoint, with their defaults', () => {
    const { params: parsed, body } = parseInput(endpoints.nodes.put, raw({}));
    expect(parsed).toEqual(params);
    expect(body).toEqual({ labels: {}, spec: { enabled: true, description: '' } });
  });

  it.each<[string, Partial<RawInput>, RegExp]>([
    ['no body', { body: null }, /^body: /],
    ['an unknown key', { body: { spec: {}, more: 1 } }, /more/],
    ['an unknown query', { query: { x: '1' } }, /x/],
    ['null for a value', { body: { spec: { enabled: null } } }, /^spec\.enabled: /m],
    ['a body nested too deep', { body: nested(100) }, /nested deeper than 64/],
    ['a NUL in a text', { body: { spec: { description: 'a\0b' } } }, /^body: has a NUL/],
    ['a NUL in a key', { body: { labels: { 'a\0': 'b' } } }, /^body: has a NUL/],
    ['a NUL in the query', { query: { cursor: '\0' } }, /^query: has a NUL/],
    ['a name that is none', { params: { ...params, name: '../x' } }, /^name: /],
  ])('with %s is refused, and says where', (_what, more, detail) => {
    let thrown: unknown;
    try {
      parseInput(endpoints.nodes.put, raw(more));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'bad_request', detail: expect.stringMatching(detail) as string });
  });
});
