import { EdgeError } from '@selvage/protocol';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { connectDevice, type Device } from './device.js';
import { defineModel, type Expected, type Model, type Reported } from './model.js';
import { lamp } from './test-model.js';
import type { Twin } from './twin.js';
import { decode, encode, type TwinKey, type TwinView, wishesOf } from './values.js';

describe('a value of a model', () => {
  it.each([
    ['temperature', 21.5, '21.5'],
    ['temperature', 1e21, undefined],
    ['level', 10, '10'],
    ['on', false, 'false'],
    ['mode', 'night', 'night'],
    ['label', '', ''],
  ])('%s %s becomes a text and comes back', (key, value, text) => {
    if (text === undefined) expect(() => encode(lamp, { [key]: value })).toThrow('above the maximum 85');
    else {
      expect(encode(lamp, { [key]: value }).get(key)?.value).toBe(text);
      expect(decode(lamp, key, text)).toBe(value);
    }
  });

  it.each([
    [{ temperature: 99 }, 'temperature: the value is above the maximum 85, it is 99'],
    [{ temperature: -41 }, 'temperature: the value is below the minimum -40, it is -41'],
    [{ temperature: NaN }, 'temperature: NaN is not a finite number'],
    [{ temperature: '21' }, 'temperature: the value is of type float, not string'],
    [{ level: 1.5 }, 'level: 1.5 is not a whole number'],
    [{ level: 2 ** 60 }, 'level: 1152921504606847000 is not a whole number'],
    [{ on: 1 }, 'on: the value is of type boolean, not number'],
    [{ mode: 'dusk' }, 'mode: the value is not one of day, night, it is dusk'],
    [{ label: 'far too long' }, 'label: a text has at most 512 letters'],
    [{ label: 'too-long-too' }, 'label: the value has more than 8 characters'],
    [{ colour: 'red' }, 'colour: the model has no such property'],
    [{ toString: 'x' }, 'toString: the model has no such property'],
    [{ level: null }, 'level: a value is a string, number or boolean, not null'],
    [{ level: undefined }, 'level: a value is a string, number or boolean, not undefined'],
    [{}, 'name at least one value'],
  ])('%j is refused with the key and the limit', (values, words) => {
    const refused = (): unknown => encode(lamp, values);
    expect(refused).toThrow(EdgeError);
    expect(refused).toThrow(words);
  });

  it.each([
    ['level', '11', undefined],
    ['level', '9007199254740993', undefined],
    ['on', 'yes', undefined],
    ['colour', 'red', undefined],
    ['temperature', 'inf', undefined],
  ])('%s %s of the node that does not fit is no value', (key, text, value) => {
    expect(decode(lamp, key, text)).toBe(value);
  });

  it('may be infinite where the model has no limit', () => {
    const open = defineModel({ ratio: { type: 'float' } });
    expect([decode(open, 'ratio', '-inf'), decode(open, 'ratio', 'nan')]).toEqual([-Infinity, NaN]);
  });

  it('without a model has the type that it has in the program, and is read as a text', () => {
    expect([...encode(undefined, { a: 1, b: true, c: 'x' }).values()].map(({ type }) => type)).toEqual([
      'float',
      'boolean',
      'string',
    ]);
    expect(decode(undefined, 'a', '1')).toBe('1');
    expect(() => encode(undefined, { 'a b': 1 })).toThrow('a key has 1 to 128');
    expect(() => encode(undefined, { a: 'a b' })).toThrow('a text has at most 512');
  });
});

describe('a wish', () => {
  const unfit: string[] = [];
  const side = (value: string) => ({ value, metadata: { timestamp: 1 } });
  it('is what is expected and is not so, of keys that may be set', () => {
    const keys = Object.entries({
      level: { expected: side('3'), actual: side('2') },
      on: { expected: side('true'), actual: side('true') },
      mode: { expected: side(''), actual: side('day') },
      label: { actual: side('x') },
      temperature: { expected: side('3') },
      colour: { expected: side('red') },
    }).map(([key, one]) => [key, { ...empty, ...one }] as [string, typeof empty]);
    expect([...wishesOf(lamp, keys, (key) => unfit.push(key))]).toEqual([['level', { value: 3, mark: '1 3' }]]);
    expect([...wishesOf(lamp, [['on', { ...empty, expected: side('x') }]], (key) => unfit.push(key))]).toEqual([]);
    expect(unfit).toEqual(['on']);
  });
});

const empty = {
  expected: undefined as { value: string; metadata: { timestamp: number } } | undefined,
  actual: undefined as { value: string; metadata: { timestamp: number } } | undefined,
  optional: undefined,
  metadata: undefined,
  expected_version: undefined,
  actual_version: undefined,
};

describe('a model', () => {
  it('is checked when it is made', () => {
    expect(() => defineModel({ a: { type: 'boolean', min: 1 } })).toThrow('a: min and max are for int and float');
    expect(() => defineModel({ 'a b': { type: 'int' } })).toThrow('a b: a key has');
    expect(Object.isFrozen(lamp)).toBe(true);
  });

  it('gives the types of values', () => {
    type Lamp = typeof lamp;
    expectTypeOf<Reported<Lamp>>().toEqualTypeOf<{
      readonly temperature?: number;
      readonly level?: number;
      readonly on?: boolean;
      readonly mode?: 'day' | 'night';
      readonly label?: string;
    }>();
    expectTypeOf<Expected<Lamp>>().toEqualTypeOf<{
      readonly level?: number;
      readonly on?: boolean;
      readonly mode?: 'day' | 'night';
      readonly label?: string;
    }>();
    expectTypeOf<TwinView<Lamp>['on']>().toEqualTypeOf<TwinKey<boolean> | undefined>();
    expectTypeOf<Parameters<Twin<Lamp>['report']>[0]>().toEqualTypeOf<Reported<Lamp>>();
    expectTypeOf(connectDevice<Lamp>).returns.toEqualTypeOf<Device<Lamp>>();
  });

  it('when there is none leaves keys open: anything may be reported, texts are read', () => {
    expectTypeOf<Reported<Model>[string]>().toEqualTypeOf<string | number | boolean | undefined>();
    expectTypeOf<Expected<Model>[string]>().toEqualTypeOf<string | undefined>();
  });

  it('is inferred where a device is made', async () => {
    const url = 'mqtt://127.0.0.1:1';
    const device = connectDevice({ url, id: 'x', model: { t: { type: 'int', access: 'r' }, on: { type: 'boolean' } } });
    type Values = Parameters<(typeof device)['twin']['report']>[0];
    type Handled = Parameters<Parameters<(typeof device)['twin']['on']>[1]>[0];
    expectTypeOf<Values>().toEqualTypeOf<{ readonly t?: number; readonly on?: boolean }>();
    expectTypeOf<Handled>().toEqualTypeOf<{ readonly on?: boolean }>();
    await device.close({ timeoutMs: 0 });
  });
});
