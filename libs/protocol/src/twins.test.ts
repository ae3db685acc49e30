import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  desiredTwins,
  deviceTwinUpdate,
  follows,
  isTwinKey,
  isTwinValue,
  TWIN_SECTION,
  twinBucket,
  typeProblem,
} from './twins.js';

describe('the value of a twin', () => {
  it.each([
    ['string', '', true],
    ['int', '0', true],
    ['int', '-17', true],
    ['int', '+5', true],
    ['integer', '9223372036854775807', true],
    ['int', '-9223372036854775808', true],
    ['int', '9223372036854775808', false],
    ['int', '', false],
    ['int', '1.0', false],
    ['int', '1e3', false],
    ['int', '0x1f', false],
    ['int', ' 1', false],
    ['float', '1.5', true],
    ['float', '-.5', true],
    ['float', '1.', true],
    ['float', '1e-7', true],
    ['float', 'NaN', true],
    ['float', '-Inf', true],
    ['float', '.', false],
    ['float', '', false],
    ['float', '1,5', false],
    ['boolean', 'true', true],
    ['boolean', 'TRUE', false],
    ['boolean', '1', false],
    ['double', '1', false],
    ['deleted', '1', false],
  ])('of type %s may be "%s": %s', (type, value, isFine) => {
    expect(typeProblem(type, value) === undefined).toBe(isFine);
  });

  it('has at most 512 of the known characters', () => {
    expect(isTwinValue('x'.repeat(512))).toBe(true);
    expect(isTwinValue('x'.repeat(513))).toBe(false);
    expect(isTwinValue('a\n')).toBe(false);
  });

  it.each(['', 'a b', 'ä', 'k'.repeat(129), '__proto__', 'a+b', 'a\n'])('has no key "%s"', (key) => {
    expect(isTwinKey(key)).toBe(false);
  });
});

describe('a message', () => {
  it('takes null for absent, drops what it does not know, and refuses __proto__', () => {
    const sent = {
      event_id: null,
      more: 1,
      twin: { k: { expected: null, actual: { value: '1' }, more: 1 }, gone: null },
    };
    expect(deviceTwinUpdate.parse(sent)).toEqual({ twin: { k: { actual: { value: '1' } }, gone: null } });
    expect(deviceTwinUpdate.safeParse(JSON.parse('{"twin":{"__proto__":{}}}')).success).toBe(false);
  });

  it('of the hub names good keys and values only', () => {
    const section = (key: string, value: string) => ({
      devices: [{ id: 'd', expected: { [key]: { value, version: { cloud: 1, edge: 0 } } } }],
    });
    expect(desiredTwins.safeParse(section('k', 'v')).success).toBe(true);
    expect(desiredTwins.safeParse(section('k k', 'v')).success).toBe(false);
    expect(desiredTwins.safeParse(section('k', 'v v')).success).toBe(false);
  });
});

describe('a version', () => {
  it('follows another when neither number is lower', () => {
    const version = fc.record({ cloud: fc.nat(3), edge: fc.nat(3) });
    fc.assert(
      fc.property(version, version, (one, other) => {
        expect(follows(one, other)).toBe(one.cloud >= other.cloud && one.edge >= other.edge);
        if (follows(one, other) && follows(other, one)) expect(one).toEqual(other);
      }),
    );
  });
});

describe('the bucket of a device', () => {
  it('is the same always, and is a section for twins', () => {
    expect(['lamp', 'lamp-2', ''].map(twinBucket)).toEqual(['twins.4f', 'twins.16', 'twins.c5']);
    expect(['twins', 'twins.0f'].every((name) => TWIN_SECTION.test(name))).toBe(true);
    expect(['twins.', 'twins.0g', 'twins.000', 'twin'].some((name) => TWIN_SECTION.test(name))).toBe(false);
  });

  it('holds a fair share of the devices', () => {
    const sizes = new Map<string, number>();
    for (let at = 0; at < 10_000; at += 1) {
      const bucket = twinBucket(`sensor-${String(at).padStart(5, '0')}`);
      sizes.set(bucket, (sizes.get(bucket) ?? 0) + 1);
    }
    expect(sizes.size).toBe(256);
    expect(Math.max(...sizes.values())).toBeLessThan(80);
  });
});
