import { deviceModelSpec, deviceProperty, deviceSpec } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { deviceState, refuseFull, shownSpec, storedDevice } from './devices.rules.js';
import { merged, refuseTooMany, removed, retyped } from './merged.rules.js';
import { effectOf } from './models.rules.js';

const own = (spec: object) => storedDevice('d', deviceSpec.parse(spec)).spec;
const model = (spec: object) => deviceModelSpec.parse(spec);
const types = (given: Record<string, 'int' | 'string' | 'float'>) =>
  Object.fromEntries(Object.entries(given).map(([key, type]) => [key, deviceProperty.parse({ type })]));

describe('a device and its model', () => {
  it('together have all keys, the device winning', () => {
    const all = merged(
      own({ properties: types({ a: 'int' }), attributes: { x: { value: '1' } } }),
      model({ properties: types({ a: 'string', b: 'float' }), attributes: { x: { value: '0' }, y: { value: '2' } } }),
    );
    expect(Object.entries(all.properties).map(([key, { type }]) => `${key} ${type}`)).toEqual(['a int', 'b float']);
    expect(Object.values(all.attributes).map(({ value }) => value)).toEqual(['1', '2']);
  });

  it.each([
    [{}, {}, undefined],
    [{}, { protocol: 'modbus' }, { protocol: 'modbus', settings: {} }],
    [{ access: { settings: { ip: 'a' } } }, { protocol: 'modbus' }, { protocol: 'modbus', settings: { ip: 'a' } }],
    [{ access: { protocol: 'opc-ua' } }, { protocol: 'modbus' }, { protocol: 'opc-ua', settings: {} }],
  ])('with %j and %j are reached by %j', (device, of, access) => {
    expect(merged(own(device), model(of)).access).toEqual(access);
  });

  it('have no more than a node takes', () => {
    const some = (prefix: string) =>
      types(Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${prefix}${n}`, 'int'])));
    const all = merged(own({ properties: some('a') }), model({ properties: some('b') }));
    expect(() => {
      refuseTooMany('d', all);
    }).toThrow(/600 properties; at most 512/);
  });
});

it.each([
  [{ a: 'int' }, { a: 'int' }, [], []],
  [{ a: 'int' }, { a: 'string' }, ['a'], []],
  [{ a: 'int', b: 'int' }, { b: 'int', c: 'int' }, [], ['a']],
] as const)('from %j to %j the types of %j change and %j are gone', (before, after, changed, gone) => {
  expect(retyped(types(before), types(after))).toEqual(changed);
  expect(removed(types(before), types(after))).toEqual(gone);
});

it('a model may change the type of what all of its devices say themselves', () => {
  const device = { id: '1', name: 'd', spec: own({ properties: types({ a: 'int' }) }) };
  const change = {
    before: model({ properties: types({ a: 'string' }) }),
    after: model({ properties: types({ a: 'float' }) }),
  };
  expect(effectOf([device], change)).toEqual([]);
  expect(() => effectOf([device, { id: '2', name: 'e', spec: own({}) }], change)).toThrow(/"a".*device "e" has it/);
});

it.each([
  ['OK', true, 'online'],
  ['offline', true, 'offline'],
  ['unhealthy', true, 'unknown'],
  ['online', false, 'unknown'],
  [null, true, 'unknown'],
] as const)('a device that said %s, its node connected: %s, is %s', (reported, connected, state) => {
  expect(deviceState(reported, connected)).toBe(state);
});

it('a spec shows the id only where it is not the name', () => {
  expect(shownSpec(storedDevice('d', deviceSpec.parse({ id: 'd' })))).not.toHaveProperty('id');
  expect(shownSpec(storedDevice('d', deviceSpec.parse({ id: 'D', node: 'n' })))).toMatchObject({ id: 'D', node: 'n' });
});

it('a node has ten thousand devices at most', () => {
  expect(() => {
    refuseFull('n', { bytes: 1, devices: 10_001 });
  }).toThrow(/10001 devices/);
});
