import { describe, expect, it } from 'vitest';
import {
  deviceAccess,
  deviceModelWrite,
  deviceProperty,
  deviceSpec,
  deviceWrite,
  expectedWrite,
  historyQuery,
  stateOf,
  valueProblem,
} from './devices.js';

describe('a property', () => {
  it.each([
    { type: 'string', min: 1 },
    { type: 'int', maxLength: 3 },
    { type: 'int', min: 5, max: 4 },
    { type: 'int', enum: ['a'] },
    { type: 'boolean', max: 1 },
    { type: 'double' },
    { type: 'int', acess: 'r' },
  ])('%j contradicts itself', (property) => {
    expect(deviceProperty.safeParse(property).success).toBe(false);
  });

  it.each([
    [{ type: 'int', min: 0, max: 9 }, '9', true],
    [{ type: 'int', min: 0, max: 9 }, '10', false],
    [{ type: 'float', min: 0 }, 'NaN', false],
    [{ type: 'float', min: 0.5 }, '0.5', true],
    [{ type: 'string', maxLength: 2 }, 'abc', false],
    [{ type: 'string', enum: ['a', 'b'] }, 'b', true],
    [{ type: 'string', enum: ['a', 'b'] }, 'c', false],
    [{ type: 'boolean' }, 'yes', false],
  ])('%j may be %s: %s', (property, value, isFine) => {
    expect(valueProblem(deviceProperty.parse(property), value) === undefined).toBe(isFine);
  });
});

describe('a device', () => {
  it('needs nothing; its own parts are empty', () => {
    expect(deviceWrite.parse({ spec: {} }).spec).toMatchObject({ properties: {}, attributes: {}, description: '' });
  });

  it.each([
    { id: 'a/b' },
    { id: '' },
    { node: 'Node' },
    { nodes: ['a', 'b'] },
    { properties: { 'a b': { type: 'int' } } },
    { attributes: { n: { value: 'x', type: 'int' } } },
    { access: { protocol: 'modbus', settings: { password: 'x' } } },
    { access: { protocol: 'zigbee' } },
  ])('%j is refused', (spec) => {
    expect(deviceSpec.safeParse(spec).success).toBe(false);
  });

  it('is reached as IEF says', () => {
    const settings = { slave_id: 1, ip: '10.0.0.5', port: 502, timeout: 3 };
    expect(deviceAccess.safeParse({ protocol: 'modbus', settings }).success).toBe(true);
    const model = {
      spec: { properties: { t: { type: 'float', unit: '°C' } }, visitors: { t: { register_index: 4 } } },
    };
    expect(deviceModelWrite.safeParse(model).success).toBe(true);
  });

  it.each([
    ['online', 'online'],
    ['OK', 'online'],
    ['Offline', 'offline'],
    ['disconnected', 'offline'],
    ['unhealthy', 'unknown'],
    ['', 'unknown'],
  ])('that says %s is %s', (reported, state) => {
    expect(stateOf(reported)).toBe(state);
  });
});

describe('an API call', () => {
  it('sets expected values as text, number or boolean, or deletes them', () => {
    expect(expectedWrite.safeParse({ a: '1', b: 2, c: true, d: null }).success).toBe(true);
    expect(expectedWrite.safeParse({ a: 'x y' }).success).toBe(false);
    expect(expectedWrite.safeParse({ a: {} }).success).toBe(false);
  });

  it('asks for a history with limits', () => {
    expect(historyQuery.parse({})).toEqual({ limit: 100 });
    expect(historyQuery.safeParse({ limit: '1001' }).success).toBe(false);
    expect(historyQuery.safeParse({ side: 'both' }).success).toBe(false);
  });
});
