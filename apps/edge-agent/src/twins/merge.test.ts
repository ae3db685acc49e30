import { MAX_TWIN_KEYS } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { keyOf, lampNode, said, tell, topics, update } from './test-lamp.js';

const READABLE = 'update/result';

describe('an update from the edge', () => {
  it('says result, document, delta, then the cloud', () => {
    const handled = update(lampNode(), { power: { expected: { value: 'on' } } });
    expect(topics(handled)).toEqual(['update/result', 'update/document', 'update/delta', 'edge_updated']);
    expect(handled.changes).toEqual([
      {
        device: 'lamp',
        key: 'power',
        side: 'expected',
        value: 'on',
        version: { cloud: 0, edge: 1 },
        at: 1000,
        by: 'lamp',
      },
    ]);
    expect(handled.written).toMatchObject([{ device: 'lamp', changes: [{ key: 'power' }] }]);
  });

  it('counts the same value again as a change', () => {
    const once = update(lampNode(), { power: { actual: { value: 'on' } } });
    const twice = update(once.node, { power: { actual: { value: 'on' } } });
    expect(keyOf(twice.node, 'power')?.actual?.version).toEqual({ cloud: 0, edge: 2 });
    expect(topics(twice)).toEqual(['update/result', 'update/document', 'edge_updated']);
  });

  it('copies no key that it does not write', () => {
    const { node } = update(lampNode(), { a: { actual: { value: '1' } }, b: { actual: { value: '1' } } });
    const next = update(node, { a: { actual: { value: '2' } } }).node;
    expect(keyOf(next, 'b')).toBe(keyOf(node, 'b'));
    expect(keyOf(node, 'a')?.actual?.value).toBe('1');
  });

  it('is done whole or not at all', () => {
    const node = lampNode({ level: { type: 'int' } });
    const handled = update(node, { power: { actual: { value: 'on' } }, level: { actual: { value: 'high' } } });
    expect(handled.node).toBe(node);
    expect(handled.out).toHaveLength(1);
    expect(said(handled, READABLE)).toEqual({
      event_id: 'e',
      timestamp: 1000,
      code: 400,
      reason: 'the value is not int or integer',
    });
  });

  it.each([
    ['a number for a text', { twin: { level: { actual: { value: 20 } } } }],
    ['no value in expected', { twin: { level: { expected: {} } } }],
    ['no value in actual', { twin: { level: { actual: {} } } }],
    ['no value for a new key', { twin: { fresh: { actual: {} } } }],
    ['a null value', { twin: { level: { actual: { value: null } } } }],
    ['no twin', {}],
    ['a null twin', { twin: null }],
    ['a list', []],
    ['nothing', ''],
    ['null', 'null'],
    ['half a message', '{"twin":'],
    ['a twin that is a list', { twin: [] }],
    ['a key that is a text', { twin: { level: 'on' } }],
    ['an empty key', { twin: { '': {} } }],
    ['a key of 129 bytes', { twin: { ['k'.repeat(129)]: {} } }],
    ['a key with a space', { twin: { 'a b': {} } }],
    ['__proto__ as a key', '{"twin":{"__proto__":{"actual":{"value":"1"}}}}'],
    ['a value of 513 bytes', { twin: { level: { actual: { value: '1'.repeat(513) } } } }],
    ['a value with a space', { twin: { level: { actual: { value: 'a b' } } } }],
    ['a value with a letter beyond ASCII', { twin: { level: { actual: { value: 'ä' } } } }],
    ['the type deleted', { twin: { fresh: { metadata: { type: 'deleted' } } } }],
    ['a type nobody knows', { twin: { fresh: { metadata: { type: 'double' } } } }],
    ['optional as a text', { twin: { level: { optional: 'yes' } } }],
    ['an if_version of another form', { if_version: 3, twin: { level: { actual: { value: '1' } } } }],
    ['too many keys', { twin: Object.fromEntries(Array.from({ length: MAX_TWIN_KEYS + 1 }, (_, n) => [`k${n}`, {}])) }],
    ['too many bytes', `{"event_id":"${'x'.repeat(300_000)}"}`],
  ])('with %s is refused with a 400 and changes nothing', (_what, body) => {
    const node = lampNode({ level: { type: 'int' } });
    const handled = tell(node, body);
    expect(handled.node).toBe(node);
    expect(topics(handled)).toEqual([READABLE]);
    expect(said(handled, READABLE)).toMatchObject({ code: 400 });
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'prototype'])('takes %s as a key like any other', (key) => {
    const { node } = update(lampNode(), { [key]: { actual: { value: '1' } } });
    expect(keyOf(node, key)?.actual?.value).toBe('1');
    expect(said(tell(node, {}, { of: 'twin/get' }), 'get/result')).toMatchObject({ twin: { [key]: {} } });
  });

  it('takes the characters that IEF takes over REST', () => {
    const value = 'az09_-.,:/@#+?^=%&~!*';
    expect(keyOf(update(lampNode(), { k: { actual: { value } } }).node, 'k')?.actual?.value).toBe(value);
  });

  it('keeps a twin to its greatest number of keys, deleted ones included', () => {
    const keys = Array.from({ length: MAX_TWIN_KEYS }, (_, n) => [`k${n}`, { actual: { value: '1' } }] as const);
    const full = update(lampNode(), Object.fromEntries(keys)).node;
    const tombstone = update(full, { k0: null }).node;
    expect(said(update(tombstone, { more: { actual: { value: '1' } } }), READABLE)).toMatchObject({ code: 400 });
    expect(said(update(tombstone, { k0: { actual: { value: '2' } } }), READABLE)).not.toHaveProperty('code');
  });
});

describe('a key', () => {
  it('keeps its type, and becomes less optional but never more', () => {
    const first = update(lampNode(), { k: { actual: { value: '1' }, metadata: { type: 'int' } } }).node;
    const relaxed = update(first, { k: { optional: false, metadata: { type: 'string' } } });
    expect(said(relaxed, READABLE)).toMatchObject({ twin: { k: { optional: false } } });
    expect(said(relaxed, 'edge_updated')).toMatchObject({ twin: { k: { optional: false } } });
    const back = update(relaxed.node, { k: { optional: true } });
    expect(back.node).toBe(relaxed.node);
    expect(keyOf(back.node, 'k')).toMatchObject({ type: 'int', optional: false });
  });

  it('that is deleted leaves a tombstone whose versions go on', () => {
    const there = update(lampNode(), { color: { actual: { value: 'red' } } }).node;
    const gone = update(there, { color: null });
    expect(said(gone, READABLE)).toEqual({ event_id: 'e', timestamp: 1000, twin: { color: null } });
    expect(said(gone, 'update/document')).toMatchObject({ twin: { color: { last: {}, current: null } } });
    expect(said(gone, 'edge_updated')).toEqual({
      event_id: 'id',
      timestamp: 1000,
      twin: {
        color: {
          actual: {},
          optional: true,
          metadata: { type: 'deleted' },
          expected_version: { cloud: 0, edge: 0 },
          actual_version: { cloud: 0, edge: 2 },
        },
      },
    });
    expect(gone.changes).toMatchObject([{ side: 'actual', value: null, version: { cloud: 0, edge: 2 } }]);
    const again = update(gone.node, { color: { actual: { value: '7' }, metadata: { type: 'int' } } }).node;
    expect(keyOf(again, 'color')).toMatchObject({
      type: 'int',
      actual: { value: '7', version: { cloud: 0, edge: 3 } },
    });
  });

  it.each([
    ['unknown', { other: null }],
    ['not optional', { fixed: null }],
    ['deleted already', { gone: null }],
  ])('that is %s is deleted without a word but an empty result', (_what, twin) => {
    const setup = { fixed: { actual: { value: '1' }, optional: false }, gone: { actual: { value: '1' } } };
    const node = update(update(lampNode(), setup).node, { gone: null }).node;
    const handled = update(node, twin);
    expect(handled.node).toBe(node);
    expect(said(handled, READABLE)).toEqual({ event_id: 'e', timestamp: 1000, twin: {} });
    expect(handled.out).toHaveLength(1);
  });
});

describe('if_version', () => {
  const guarded = (cloud: number, edge: number): object => ({ if_version: { cloud, edge } });
  const node = update(lampNode(), { k: { actual: { value: '1' }, expected: { value: '1' } } }).node;

  it.each([
    ['of the whole update', { k: { actual: { value: '2' } } }, guarded(0, 0)],
    ['of one key', { k: { actual: { value: '2' }, ...guarded(0, 2) } }, {}],
    ['of a key that is new', { fresh: { actual: { value: '2' } } }, guarded(0, 1)],
    ['of a delete', { k: null }, guarded(1, 1)],
  ])('%s that does not match is a 409 and changes nothing', (_what, twin, more) => {
    const handled = update(node, twin, more);
    expect(handled.node).toBe(node);
    expect(said(handled, READABLE)).toMatchObject({ event_id: 'e', code: 409 });
  });

  it('that matches lets the update through, and can be read with twin/get', () => {
    const answer = tell(node, { event_id: 'g', versions: true }, { of: 'twin/get' });
    expect(said(answer, 'get/result')).toMatchObject({ twin: { k: { actual_version: { cloud: 0, edge: 1 } } } });
    const handled = update(node, { k: { actual: { value: '2' } } }, guarded(0, 1));
    expect(said(handled, READABLE)).not.toHaveProperty('code');
  });
});

describe('a model', () => {
  const node = lampNode({
    level: { type: 'int', min: 0, max: 100 },
    mode: { type: 'string', enum: ['eco', 'full'] },
    seen: { type: 'float', access: 'r' },
    name: { type: 'string', maxLength: 3, optional: false },
  });

  it.each([
    [{ level: { expected: { value: '101' } } }, 'the value is above the maximum 100'],
    [{ level: { actual: { value: '-1' } } }, 'the value is below the minimum 0'],
    [{ mode: { expected: { value: 'off' } } }, 'the value is not one of eco, full'],
    [{ name: { actual: { value: 'long' } } }, 'the value has more than 3 characters'],
    [{ seen: { expected: { value: '1' } } }, 'the property is read only: it has no expected value'],
  ])('refuses %j', (twin, reason) => {
    expect(said(update(node, twin), READABLE)).toMatchObject({ code: 400, reason });
  });

  it('lets the device report what it may not be told, and keys that it does not name', () => {
    const handled = update(node, { seen: { actual: { value: '1.5' } }, extra: { actual: { value: 'x' } } });
    expect(said(handled, READABLE)).not.toHaveProperty('code');
  });

  it('protects its keys from deletion unless they are optional', () => {
    expect(update(node, { name: null }).node).toBe(node);
    expect(keyOf(update(node, { mode: null }).node, 'mode')?.type).toBe('deleted');
  });
});
