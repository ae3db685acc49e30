import { describe, expect, it } from 'vitest';
import { daysLeft, type NodeCondition, nodeState, stateReason } from './nodes.rules.js';

const now = Date.parse('2026-03-01T00:00:00.000Z');
const node = (change: Partial<NodeCondition> = {}): NodeCondition => ({
  name: 'n1',
  enabled: true,
  online: true,
  joinedAt: '2026-01-01T00:00:00.000Z',
  lastSeenAt: '2026-02-28T12:00:00.000Z',
  certificateNotAfter: '2026-04-01T00:00:00.000Z',
  ...change,
});

describe('a node', () => {
  it.each<[string, Partial<NodeCondition>, RegExp | undefined]>([
    ['ready', {}, undefined],
    ['offline', { online: false }, /^Not connected since 2026-02-28 12:00:00Z\.$/],
    ['offline', { online: false, lastSeenAt: undefined }, /^It has not connected yet\.$/],
    [
      'offline',
      { online: false, certificateNotAfter: '2026-02-01T00:00:00.000Z' },
      /certificate expired at 2026-02-01 00:00:00Z and/,
    ],
    ['offline', { online: false, certificateNotAfter: undefined }, /certificate was revoked.*selvage node join n1/],
    ['never_joined', { joinedAt: undefined, online: false }, /selvage node join n1/],
    ['disabled', { enabled: false }, /disabled/],
    ['disabled', { enabled: false, joinedAt: undefined }, /disabled/],
  ])('is %s given %j', (state, change, reason) => {
    expect(nodeState(node(change))).toBe(state);
    if (reason) expect(stateReason(node(change), now)).toMatch(reason);
    else expect(stateReason(node(change), now)).toBeUndefined();
  });
});

describe('the days left of a certificate', () => {
  it.each([
    ['2026-03-01T00:00:00.000Z', 0],
    ['2026-03-01T23:59:59.000Z', 0],
    ['2026-03-02T00:00:00.000Z', 1],
    ['2026-02-28T23:00:00.000Z', -1],
    ['2026-05-30T00:00:00.000Z', 90],
  ])('until %s are %i', (notAfter, days) => {
    expect(daysLeft(notAfter, now)).toBe(days);
  });
});
