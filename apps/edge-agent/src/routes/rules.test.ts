import { describe, expect, it } from 'vitest';
import { RouteRules } from './rules.js';
import { TestDesired, wantedRoute } from './test-route.js';

describe('what a lane may hold', () => {
  const budget = { bytes: 100_000, ageSeconds: 60, whenFull: 'refuse' } as const;
  const desired = new TestDesired(wantedRoute('r', { budget, priority: 7 }));
  const rules = new RouteRules(desired);

  it('is what its route says, at once when that changes', () => {
    const said = { maxBytes: 100_000, maxAgeMs: 60_000, whenFull: 'refuse', priority: 7 };
    expect([rules.toHub('routes/r'), rules.local('routes/r')]).toEqual([said, said]);
    expect(rules.local('failed/r')).toMatchObject({ maxBytes: 16 * 1024 * 1024, whenFull: 'drop-oldest' });
    desired.want([wantedRoute('r', { budget, priority: 1 })]);
    expect(rules.toHub('routes/r').priority).toBe(1);
  });

  it('is nothing on the node for a route that is no more; the hub knows what to do with what it is sent', () => {
    expect(rules.local('routes/gone').maxBytes).toBe(0);
    expect(rules.local('failed/gone').maxBytes).toBe(0);
    expect(rules.toHub('routes/gone').maxBytes).toBeGreaterThan(0);
  });

  it('for what changed in twins goes with routes of the usual priority', () => {
    expect(rules.toHub('twins').priority).toBe(wantedRoute('x').priority);
  });

  it.each([
    ['the hub has said nothing yet', { position: null }],
    ['what it said cannot be read', { broken: new Error('damaged') }],
  ])('is all there is, for ever, while %s', (_what, state) => {
    const rules = new RouteRules(Object.assign(new TestDesired(), state));
    for (const lane of ['routes/r', 'failed/r'])
      expect(rules.local(lane)).toEqual({ maxBytes: Number.MAX_SAFE_INTEGER, whenFull: 'drop-oldest', priority: 9 });
  });
});
