import { describe, expect, it } from 'vitest';
import { plan } from './plan.js';
import { wantedRoute } from './test-route.js';

describe('the plan of the routes', () => {
  const open = new Map([
    ['a', wantedRoute('a')],
    ['b', wantedRoute('b')],
  ]);

  it('touches nothing that is as it should be', () => {
    expect(plan(open, [wantedRoute('b'), wantedRoute('a')])).toEqual([]);
  });

  it('closes what is no longer wanted before it opens what is new, and opens anew what is wanted otherwise', () => {
    const changed = wantedRoute('b', { priority: 9 });
    expect(plan(open, [changed, wantedRoute('c')])).toEqual([
      { kind: 'close', uid: 'a' },
      { kind: 'close', uid: 'b' },
      { kind: 'open', route: changed },
      { kind: 'open', route: wantedRoute('c') },
    ]);
  });

  it('opens a route once, however often it is named', () => {
    expect(plan(new Map(), [wantedRoute('a'), wantedRoute('a')])).toHaveLength(1);
  });
});
