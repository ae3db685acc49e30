import type { StoredKey, TwinVersion } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { freshKey, heardChange, heardKey, type HeldKey, isSound, momentOf } from './held.rules.js';

const NOW = '2026-03-01T00:00:00.000Z';
const hearing = { now: NOW, by: { expected: 'edge-1', actual: 'lamp' } };
const v = (cloud: number, edge: number): TwinVersion => ({ cloud, edge });
const held = (given: {
  expected?: [string | null, TwinVersion];
  actual?: [string | null, TwinVersion, number?];
  leaving?: boolean;
  type?: HeldKey['type'];
}): HeldKey => {
  const [expected = null, expectedVersion = v(0, 0)] = given.expected ?? [];
  const [actual = null, actualVersion = v(0, 0), at = 1000] = given.actual ?? [];
  return {
    ...freshKey(given.type ?? 'string', true),
    leaving: given.leaving ?? false,
    expected: { value: expected, at: momentOf(1000), version: expectedVersion, by: 'ann' },
    actual: { value: actual, at: momentOf(at), version: actualVersion, by: 'lamp' },
  };
};
const said = (given: Partial<StoredKey>): StoredKey => ({ type: 'string', optional: true, ...given });

describe('an expected value that a node reports', () => {
  it.each<[string, [string, TwinVersion], TwinVersion, [string, TwinVersion], number]>([
    ['the same changes nothing', ['a', v(1, 0)], v(1, 0), ['a', v(1, 0)], 0],
    ['an older one is passed over', ['a', v(2, 0)], v(1, 0), ['a', v(2, 0)], 0],
    ['a newer one is taken', ['a', v(1, 0)], v(1, 1), ['b', v(1, 1)], 1],
    ['where both went on, the edge wins and no count goes down', ['a', v(2, 0)], v(1, 1), ['b', v(2, 1)], 1],
    ['so it does after the hub forgot', ['a', v(1, 2)], v(2, 1), ['b', v(2, 2)], 1],
  ])('%s', (_what, before, version, [value, expected], events) => {
    const heard = heardKey(held({ expected: before }), said({ expected: { value: 'b', at: 5000, version } }), hearing);
    expect(heard.held.expected).toMatchObject({ value, version: expected });
    expect(heard.events).toHaveLength(events);
    if (events > 0) expect(heard.events[0]).toMatchObject({ side: 'expected', value: 'b', version, by: 'edge-1' });
  });
});

describe('an actual value that a node reports', () => {
  it.each<[string, TwinVersion, number | undefined, string]>([
    ['newer is taken', v(0, 6), 900, 'b'],
    ['the same is not', v(0, 5), 1000, 'a'],
    ['older is not', v(0, 4), 1000, 'a'],
    ['older in version but set later is, because the node began anew', v(0, 1), 2000, 'b'],
  ])('%s', (_what, version, at, value) => {
    const heard = heardKey(held({ actual: ['a', v(0, 5)] }), said({ actual: { value: 'b', at, version } }), hearing);
    expect(heard.held.actual.value).toBe(value);
    expect(heard.events).toHaveLength(value === 'b' ? 1 : 0);
  });
});

describe('a key that a node reports as deleted', () => {
  const gone = (expected: TwinVersion, actual: TwinVersion): StoredKey =>
    said({ type: 'deleted', expected: { version: expected }, actual: { version: actual } });

  it('is gone when the edge deleted it', () => {
    const { held: after, events } = heardKey(
      held({ expected: ['a', v(1, 0)], actual: ['a', v(0, 1)] }),
      gone(v(1, 1), v(0, 2)),
      hearing,
    );
    expect(after).toMatchObject({
      type: 'deleted',
      expected: { value: null },
      actual: { value: null, version: v(0, 2) },
    });
    expect(events.map(({ side, value, at }) => [side, value, at])).toEqual([
      ['expected', null, NOW],
      ['actual', null, NOW],
    ]);
  });

  it('is gone when the hub deleted it, though its actual version is the one before', () => {
    const before = held({ expected: [null, v(2, 0)], actual: ['a', v(0, 1)], leaving: true });
    const { held: after } = heardKey(before, gone(v(2, 0), v(0, 1)), hearing);
    expect(after).toMatchObject({ type: 'deleted', leaving: false, actual: { value: null } });
  });

  it('is wanted again when the hub has set it since', () => {
    const before = held({ expected: ['b', v(3, 0)], type: 'int' });
    const { held: after } = heardKey(before, gone(v(2, 0), v(0, 1)), hearing);
    expect(after).toMatchObject({ type: 'int', expected: { value: 'b', version: v(3, 0) } });
  });

  it('goes on leaving while the node has not heard of it', () => {
    const before = held({ expected: [null, v(2, 0)], actual: ['a', v(0, 1)], leaving: true });
    const { held: after } = heardKey(before, said({ expected: { value: 'a', version: v(1, 0) } }), hearing);
    expect(after).toMatchObject({ leaving: true, expected: { value: null, version: v(2, 0) } });
  });
});

describe('a change on its way from a node', () => {
  const change = (side: 'expected' | 'actual', value: string | null, version: TwinVersion, at = 5000) =>
    ({ device: 'lamp', key: 'k', side, value, version, at, by: 'app' }) as const;

  it('is taken when it is newer, once', () => {
    const first = heardChange(undefined, change('actual', 'b', v(0, 1)), 'int');
    expect(first).toMatchObject({ type: 'int', actual: { value: 'b', by: 'app', at: momentOf(5000) } });
    expect(heardChange(first, change('actual', 'b', v(0, 1)), 'int')).toEqual(first);
    expect(heardChange(first, change('actual', 'z', v(0, 0), 4000), 'int')).toEqual(first);
  });

  it('makes a key deleted when nothing of it is left', () => {
    const live = held({ expected: ['a', v(1, 0)], actual: ['a', v(0, 1)] });
    const half = heardChange(live, change('expected', null, v(1, 1)), 'string');
    expect(half.type).toBe('string');
    expect(heardChange(half, change('actual', null, v(0, 2)), 'string').type).toBe('deleted');
  });

  it('settles a deletion that the hub wanted', () => {
    const leaving = held({ expected: [null, v(2, 0)], leaving: true });
    expect(heardChange(leaving, change('expected', null, v(2, 0)), 'string').leaving).toBe(false);
  });
});

it.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [-1, '1970-01-01T00:00:00.000Z'],
  [Number.MAX_SAFE_INTEGER, '9999-12-31T23:59:59.999Z'],
])('the moment %d of a node is %s', (ms, expected) => {
  expect(momentOf(ms)).toBe(expected);
});

it('a value that no node stores is not taken from one', () => {
  expect(isSound({ expected: { value: 'a\u0000', version: v(0, 0) } })).toBe(false);
  expect(isSound({ actual: { version: v(0, 0) } })).toBe(true);
});
