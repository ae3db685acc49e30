import { describe, expect, it } from 'vitest';
import { clientSpec } from './clients.js';
import { grantProblem, overlap } from './grants.js';

describe('a grant', () => {
  it.each([
    ['publish', 'plant/nodes/edge-1/user/#'],
    ['publish', '$hw/events/device/+/twin/update'],
    ['publish', '$hw/events/device/lamp/twin/get'],
    ['publish', '$hw/alarm/web/add'],
    ['publish', '#'],
    ['publish', '+/nodes/+/user/data'],
    ['subscribe', '$hw/events/device/+/twin/#'],
    ['subscribe', '$hw/#'],
    ['subscribe', '$ke/events/device/+/data/update'],
  ] as const)('to %s %s is fine', (may, filter) => {
    expect(grantProblem(may, filter)).toBeUndefined();
  });

  it.each([
    ['publish', '$SYS/broker', /\$SYS/],
    ['subscribe', '$SYS/#', /\$SYS/],
    ['subscribe', '$share/g/t', /\$share/],
    ['publish', '$hw/#', /only the agent/],
    ['publish', '$hw/events/device/+/twin/#', /only the agent/],
    ['publish', '$hw/events/device/lamp/twin/update/result', /only the agent/],
    ['publish', '$hw/events/device/lamp/twin/update/#', /only the agent/],
    ['publish', '$hw/events/+/edge-1/membership/+', /only the agent/],
    ['publish', '$hw/plant/encryptdatas/a/properties/b/plaintext', /only the agent/],
    ['publish', 'a/#/b', /#/],
    ['publish', 'a#', /#/],
    ['subscribe', 'a/b+', /\+/],
    ['subscribe', Array(40).fill('a').join('/'), /32 levels/],
  ] as const)('to %s %s is refused', (may, filter, problem) => {
    expect(grantProblem(may, filter)).toMatch(problem);
  });

  it('is told by its place in the manifest', () => {
    const parsed = clientSpec.safeParse({ grants: { publish: ['a', '$hw/#'] } });
    expect(parsed.error?.issues.map(({ path }) => path.join('.'))).toEqual(['grants.publish.1']);
    expect(clientSpec.parse({})).toEqual({ description: '', grants: { publish: [], subscribe: [] } });
  });
});

it.each([
  ['a/b', 'a/b', true],
  ['a/+', 'a/b', true],
  ['a/#', 'a', true],
  ['a/b', 'a', false],
  ['#', '$hw/x', false],
  ['+/x', '$hw/x', false],
  ['$hw/+', '$hw/x', true],
  ['a/+/c', 'a/b/+', true],
])('%s and %s have a topic in common: %s', (one, other, expected) => {
  expect([overlap(one, other), overlap(other, one)]).toEqual([expected, expected]);
});
