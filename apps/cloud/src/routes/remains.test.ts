import { until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Retention } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { createLog } from '../log/index.js';
import { HubLetters } from './hub-letters.service.js';
import type { KnownRoute } from './known-routes.service.js';
import { RouteRemains } from './remains.service.js';
import { NodeLink, RouteSite } from './test-site.js';

const REPORT = `INSERT INTO route_reports (uid, project, node, report) VALUES ($1, 'default', 'n1', '{}')`;
const TABLES = ['uid FROM route_counts', 'uid FROM route_reports', 'lane AS uid FROM route_drops'];

describe.each(DIALECTS)('what was counted of routes, on %s,', (dialect) => {
  const databases = testDatabases(dialect);
  let site: RouteSite;
  beforeEach(async () => {
    site = new RouteSite(await databases.fresh());
    await site.start();
  });
  afterEach(() => site.close());

  /** Gives each table something to hold of a route. */
  async function use(route: KnownRoute): Promise<void> {
    const letters = new HubLetters(site.hub);
    site.sends(new NodeLink({ project: 'default', node: route.name }), route, 1, 'a');
    await until(async () => (await letters.list(route.uid, 0, 1)).length === 1);
    letters.discard(route.uid, undefined);
    await site.db.write((tx) => tx.query(REPORT, [route.uid]));
  }
  async function left(): Promise<unknown[]> {
    const ask = (what: string): Promise<{ uid: string }[]> => site.db.read.query(`SELECT ${what} ORDER BY uid`);
    return (await Promise.all(TABLES.map(ask))).map((rows) => rows.map(({ uid }) => uid));
  }
  async function forget(): Promise<void> {
    const retention = new Retention(site.db, createLog('silent'));
    const remains = new RouteRemains(site.db, site.known, site.hub, site.counts);
    for (const records of [remains.counted(), remains.dropped()]) retention.add<string>(records);
    await retention.run();
  }

  it('goes with a route that was deleted, sooner or later, and stays with one that was not', async () => {
    const [kept, gone] = [await site.route('kept'), await site.route('gone')];
    site.outcome = () => ({ is: 'rejected', code: 'endpoint_failed', detail: 'no' });
    for (const route of [kept, gone]) await use(route);
    await site.remove(gone);
    site.counts.failed(gone.uid, 'it was on its way');
    await site.restart();
    const uids = [gone.uid, kept.uid];
    expect(await left()).toEqual([uids, uids, uids.map((uid) => `routes/${uid}`)]);
    await forget();
    expect(await left()).toEqual([[kept.uid], [kept.uid], [`routes/${kept.uid}`]]);
    expect(site.hub.outbox.drops.map(({ lane }) => lane)).toEqual([`routes/${kept.uid}`]);
  });

  it('stays while messages of the route still wait to be dropped', async () => {
    const route = await site.route('r', { state: 'paused' });
    const large = { topic: 't', vars: {}, payload: new Uint8Array(2_000_000) };
    await expect(site.intake.take(route, large)).rejects.toMatchObject({ code: 'body_too_large' });
    await site.intake.take(route, { topic: 't', vars: {}, payload: new Uint8Array(1) });
    await site.remove(route);
    await forget();
    expect(site.hub.outbox.drops).toMatchObject([{ lane: `own/${route.uid}`, reason: 'refused' }]);
  });
});
