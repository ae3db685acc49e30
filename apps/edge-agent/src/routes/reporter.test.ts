import { EdgeError, LATENCY_MS, type ReportedRoutes } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { Counts } from './counts.js';
import type { Standing } from './options.js';
import { Reporter } from './reporter.js';
import { TestRecords, wantedRoute } from './test-route.js';

const PACE_MS = 5_000;
const none = (): void => undefined;
const empty: Standing = { lanes: [], drops: [], deadLanes: new Map() };

describe('what is told of the routes of a node', () => {
  let records: TestRecords;
  let clock: FakeClock;
  let counts: Counts;
  let told: ReportedRoutes[];
  let reporter: Reporter;
  const route = wantedRoute('r', { target: { kind: 'edge', topic: 'x', qos: 1, retain: false } });
  /** Begins anew with what is on the disk. */
  const restart = async (routes = [route], hub = empty, local = empty): Promise<void> => {
    [clock, told] = [new FakeClock(), []];
    counts = new Counts(clock);
    reporter = new Reporter({
      ...{ counts, clock, hub, local, routes: () => routes, journal: records, log: { warn: none } },
      reported: { set: (_section, value) => void told.push(value) },
    });
    await reporter.load();
    reporter.start();
  };
  const last = () => told.at(-1)?.routes[0];

  beforeEach(async () => {
    records = new TestRecords();
    await restart();
  });

  it('are its counts, every few seconds, and they go on after a restart', async () => {
    counts.taken('r');
    counts.forwarded('r', { bytes: 7, at: clock.now() - 30 });
    counts.failed('r', 'no\0service');
    counts.dropped('r', 'loop', 'in circles');
    expect(told).toEqual([]);
    await clock.advance(PACE_MS);
    expect(told).toHaveLength(1);
    const at = '2030-01-01T00:00:00.000Z';
    const latency = LATENCY_MS.map((bound) => Number(bound === 50));
    expect(last()).toEqual({
      ...{
        uid: 'r',
        taken: 1,
        filtered: 0,
        failed: 1,
        forwarded: 1,
        bytes: 7,
        dead: 0,
        backlog: { count: 0, bytes: 0 },
      },
      latency: [...latency, 0],
      dropped: [{ reason: 'loop', count: 1, from: at, to: at }],
      errors: [
        { at, detail: 'in circles' },
        { at, detail: 'no service' },
      ],
    });
    await restart();
    counts.taken('r');
    await reporter.stop();
    await restart();
    reporter.tell();
    expect(last()).toMatchObject({ taken: 2, forwarded: 1, failed: 1, dropped: [{ count: 1 }] });
  });

  it('are what both outboxes hold, gave up and dropped', async () => {
    const drop = { reason: 'budget', count: 3, bytes: 9, first: 1_000, last: 5_000 } as const;
    const hub: Standing = {
      lanes: [{ lane: 'routes/r', count: 2, bytes: 20 }],
      drops: [{ lane: 'routes/r', ...drop }],
      deadLanes: new Map([['routes/r', 1]]),
    };
    const local: Standing = {
      lanes: [
        { lane: 'routes/r', count: 5, bytes: 50 },
        { lane: 'failed/r', count: 1, bytes: 1 },
        { lane: 'routes/other', count: 9, bytes: 90 },
      ],
      drops: [
        { lane: 'routes/r', ...drop, last: 9_000 },
        { lane: 'routes/other', ...drop },
      ],
      deadLanes: new Map([
        ['failed/r', 2],
        ['routes/other', 9],
      ]),
    };
    await restart([route], hub, local);
    reporter.tell();
    expect(last()).toMatchObject({
      backlog: { count: 8, bytes: 71 },
      dead: 3,
      dropped: [{ reason: 'budget', count: 6, from: '1970-01-01T00:00:01.000Z', to: '1970-01-01T00:00:09.000Z' }],
    });
  });

  it('have no latency when the hub is their target, and are nothing on a node that never had a route', async () => {
    await restart([wantedRoute('r')]);
    reporter.tell();
    expect(last()?.latency).toEqual([]);
    await restart([]);
    await clock.advance(2 * PACE_MS);
    expect(told).toEqual([]);
  });

  it('are forgotten with their route, and never hold a restart up when they are damaged', async () => {
    counts.taken('r');
    await clock.advance(PACE_MS);
    records.all.set('c/damaged', Buffer.from('{'));
    await restart();
    expect(counts.of('r').taken).toBe(1);
    reporter.forget(new Set());
    await restart();
    expect(counts.of('r').taken).toBe(0);
  });

  it('are written when the disk takes them again', async () => {
    records.broken = new EdgeError('out_of_disk', '');
    counts.taken('r');
    await clock.advance(PACE_MS);
    expect(last()?.taken).toBe(1);
    records.broken = undefined;
    counts.taken('r');
    await clock.advance(PACE_MS);
    await restart();
    expect(counts.of('r').taken).toBe(2);
  });
});
