import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { reportedApps } from './apps.js';
import { few, problemsOf, text, word } from './bounds.js';
import { brokerShown } from './brokers.js';
import * as frames from './frames.js';
import { nodeFacts } from './nodes.js';
import { reportedTwins, twinChanges } from './twins.js';

/** A list or map of many that must not be looked into. */
const untouchable = { enumerable: true, get: (): never => expect.fail('an element was looked at') };
const manyItems = (): unknown[] => Object.defineProperty(new Array<unknown>(1_000_000), 0, untouchable);
const manyEntries = (): object => {
  const all = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, {}]));
  return Object.defineProperty(all, 'k0', untouchable);
};

describe('what a node says', () => {
  const instance = { app: 'a', uid: 'u', revision: 1, state: 'running' };
  const device = { id: 'd', state: 'online' };

  it.each([
    ['instances', reportedApps, () => ({ instances: manyItems(), purged: [] })],
    ['containers', reportedApps, () => ({ instances: [{ ...instance, containers: manyItems() }], purged: [] })],
    ['purged apps', reportedApps, () => ({ instances: [], purged: manyItems() })],
    ['addresses', nodeFacts.pick({ addresses: true }), () => ({ addresses: manyItems() })],
    ['devices', reportedTwins, () => ({ devices: manyItems() })],
    ['keys', reportedTwins, () => ({ devices: [{ ...device, twin: manyEntries() }] })],
    ['changes', twinChanges, () => ({ changes: manyItems() })],
    [
      'sections',
      frames.heartbeat.extend({ all: frames.sectionHashes }),
      () => ({
        ...{ t: 'heartbeat', desired: 'x', reported: 'x' },
        all: manyEntries(),
      }),
    ],
  ] as const)('is refused for too many %s before one of them is looked at', (_what, schema, value) => {
    const parsed = schema.safeParse(value());
    expect(parsed.error?.issues).toHaveLength(1);
  });

  it.each([
    ['apps', reportedApps],
    ['facts', nodeFacts],
    ['twins', reportedTwins],
    ['changes', twinChanges],
    ['the broker', brokerShown],
    ['frames', frames.upFrame],
  ] as const)('has no text and no list without an end: %s', (_what, schema) => {
    expect(endless(z.toJSONSchema(schema, { unrepresentable: 'any' }))).toEqual([]);
  });

  it('has no NUL in text that is kept', () => {
    expect(reportedApps.safeParse({ instances: [], purged: ['a\0'] }).success).toBe(false);
    const uid = { ...instance, uid: 'a\0', containers: [] };
    expect(reportedApps.safeParse({ instances: [uid], purged: [] }).success).toBe(false);
    expect(frames.position.safeParse({ epoch: 'a\0', revision: 1 }).success).toBe(false);
    expect(frames.section.safeParse({ name: 'apps', hash: '\0', body: new Uint8Array() }).success).toBe(false);
    expect(frames.message.safeParse({ seq: 1, lane: 'a b', at: 0, body: new Uint8Array() }).success).toBe(false);
  });

  it('cannot say a number from which one could not count on', () => {
    expect(frames.position.safeParse({ epoch: 'e', revision: Number.MAX_SAFE_INTEGER }).success).toBe(false);
    const message = { seq: Number.MAX_SAFE_INTEGER, lane: 'a', at: 0, body: new Uint8Array() };
    expect(frames.message.safeParse(message).success).toBe(false);
  });
});

describe('bounds', () => {
  it('are as wide as they say', () => {
    expect(text(3).safeParse('ä b').success).toBe(true);
    expect(text(3).safeParse('abcd').success).toBe(false);
    expect(word(3).safeParse('').success).toBe(false);
    const two = few(z.record(z.string(), z.number()), 2);
    expect(two.parse({ a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(two.safeParse({ a: 1, b: 2, c: 3 }).success).toBe(false);
    expect(two.safeParse(undefined).success).toBe(false);
  });

  it('are told of in one short line', () => {
    const { error } = z.record(z.string(), z.number()).safeParse({ ['k'.repeat(10_000)]: 'x', b: 'y' });
    expect(error && problemsOf(error)).toMatch(/^k{32}: .{1,100} \(and 1 more\)$/);
  });
});

/** Places of strings without a greatest length and of arrays without a greatest size. */
function endless(schema: unknown, place = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, maxLength, maxItems, pattern, const: only, enum: some } = schema as Record<string, unknown>;
  const isFixed = only !== undefined || some !== undefined || maxLength !== undefined;
  const isOpenText = type === 'string' && !isFixed && (typeof pattern !== 'string' || /[*+](?!\])/.test(pattern));
  const own = isOpenText || (type === 'array' && maxItems === undefined) ? [place] : [];
  return [...own, ...Object.entries(schema).flatMap(([key, inner]) => endless(inner, `${place}/${key}`))];
}
