import { deviceProperty } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { freshKey, type HeldKey } from './held.rules.js';
import { desiredValues, planned, shownTwin, withExpected } from './twins.rules.js';

const properties = {
  power: deviceProperty.parse({ type: 'boolean', optional: false }),
  level: deviceProperty.parse({ type: 'int', min: 0, max: 100, unit: '%' }),
  heat: deviceProperty.parse({ type: 'float', access: 'r' }),
};
const setting = { by: 'ann', at: '2026-03-01T00:00:00.000Z' };
const none = new Map<string, HeldKey>();
const plan = (write: Record<string, string | number | boolean | null>, keys: ReadonlyMap<string, HeldKey> = none) =>
  planned({ properties, keys }, write, setting);

describe('a write of expected values', () => {
  it.each([
    [{ level: 101 }, /^level: .*above the maximum 100/],
    [{ level: 'abc' }, /^level: the value is not int or integer/],
    [{ power: 1 }, /^power: the bool value must be true or false/],
    [{ heat: 20 }, /^heat: is reported by the device/],
    [{ power: null }, /^power: is not optional/],
    [{ levle: 3 }, /^levle: is no property of the device; it has power, level, heat/],
    [{ level: -1, power: 'x' }, /^level: [^\n]*\npower: /],
  ])('%j is refused by key', (write, problem) => {
    let detail = '';
    try {
      plan(write);
    } catch (error) {
      detail = (error as { detail: string }).detail;
    }
    expect(detail).toMatch(problem);
  });

  it('takes numbers and booleans as their texts, and counts the cloud up', () => {
    const first = plan({ level: 20, power: true });
    expect(first.get('level')).toMatchObject({
      type: 'int',
      expected: { value: '20', version: { cloud: 1, edge: 0 } },
    });
    expect(first.get('power')?.expected).toMatchObject({ value: 'true', by: 'ann' });
    const edge = withExpected(freshKey('int', true), '30', setting);
    const seen = new Map([['level', { ...edge, expected: { ...edge.expected, version: { cloud: 1, edge: 4 } } }]]);
    expect(plan({ level: 31 }, seen).get('level')?.expected.version).toEqual({ cloud: 2, edge: 4 });
    expect(plan({ level: 30 }, seen).size).toBe(0);
  });

  it('of a device without properties makes keys of the type of their values', () => {
    const changed = planned({ properties: {}, keys: none }, { a: 1, b: 1.5, c: false, d: 'x' }, setting);
    expect([...changed].map(([key, { type }]) => `${key} ${type}`)).toEqual([
      'a int',
      'b float',
      'c boolean',
      'd string',
    ]);
    expect(() => planned({ properties: {}, keys: changed }, { a: 'x' }, setting)).toThrow(/a: the value is not int/);
  });

  it('deletes a key once', () => {
    const keys = plan({ level: 20 });
    const leaving = plan({ level: null }, keys);
    expect(leaving.get('level')).toMatchObject({
      leaving: true,
      expected: { value: null, version: { cloud: 2, edge: 0 } },
    });
    expect(plan({ level: null }, leaving).size).toBe(0);
    expect(plan({ level: null }).size).toBe(0);
  });
});

describe('what a node is to have', () => {
  it('is every expected value and every deletion that it has not confirmed', () => {
    const keys = new Map([
      ['level', withExpected(freshKey('int', true), '20', setting)],
      ['extra', withExpected(freshKey('string', false), 'x', setting)],
      ['gone', withExpected(freshKey('string', true), null, setting)],
      ['told', freshKey('float', true)],
    ]);
    expect(desiredValues(keys)).toEqual({
      extra: { value: 'x', version: { cloud: 1, edge: 0 }, optional: false },
      gone: { value: null, version: { cloud: 1, edge: 0 } },
      level: { value: '20', version: { cloud: 1, edge: 0 }, type: 'int' },
    });
  });
});

describe('a twin that is shown', () => {
  it('has every property, both sides next to each other, and says what is pending', () => {
    const actual = { value: '19', at: setting.at, version: { cloud: 0, edge: 1 }, by: 'lamp' };
    const shown = shownTwin(
      properties,
      new Map([
        ['level', { ...withExpected(freshKey('int', true), '20', setting), actual }],
        ['old', freshKey('deleted', true)],
        ['more', { ...freshKey('string', true), actual }],
      ]),
    );
    expect(Object.keys(shown)).toEqual(['heat', 'level', 'more', 'power']);
    expect(shown.level).toEqual({
      ...{ type: 'int', optional: true, access: 'rw', unit: '%', pending: true, actual },
      expected: { value: '20', at: setting.at, version: { cloud: 1, edge: 0 }, by: 'ann' },
    });
    expect(shown.heat).toEqual({ type: 'float', optional: true, access: 'r', pending: false });
    expect(shown.more?.pending).toBe(false);
  });
});
