import { EdgeError } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { HubLetters } from './hub-letters.service.js';
import { NodeLink, RouteSite } from './test-site.js';

const EMPTY = { counted: 0, stored: 0 };
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe.each(DIALECTS)('messages that nodes send for routes, on %s,', (dialect) => {
  const databases = testDatabases(dialect);
  let site: RouteSite;
  let link: NodeLink;

  beforeEach(async () => {
    site = new RouteSite(await databases.fresh());
    await site.start();
    link = new NodeLink({ project: 'default', node: 'n1' });
  });
  afterEach(() => site.close());

  const settled = (upTo: number, at = link): Promise<void> =>
    until(() => [...at.settled.values()].includes(upTo), {
      describe: () => JSON.stringify([[...at.settled], at.rejected]),
    });
  const drained = async (): Promise<void> => {
    let left = await site.waiting();
    await until(async () => ((left = await site.waiting()), left.counted + left.stored === 0), {
      describe: () => JSON.stringify(left),
    });
  };
  const laneOf = (name: string): { count: number } | undefined =>
    site.hub.outbox.lanes.find(({ lane }) => lane === name);

  it('are delivered in order, each once, although the node sends them again', async () => {
    const route = await site.route('r');
    site.sends(link, route, 1, ...numbers(1_000));
    await settled(1_000);
    site.sends(link, route, 501, ...numbers(501).map((text) => `again ${text}`));
    await settled(1_001);
    await drained();
    expect(site.texts).toEqual([...numbers(1_000), 'again 500']);
    expect(site.counts.of(route.uid).taken).toBe(1_001);
  });

  it('come from the node that sent them, whatever they say', async () => {
    site.sends(link, await site.route('r'), 1, 'x');
    await until(() => site.handed.length === 1);
    expect(site.handed[0]?.message).toMatchObject({ node: 'n1', vars: { node: 'n1', project: 'default' } });
  });

  it('are refused for a route of another project, and for one that is not there', async () => {
    const other = await site.route('r', {}, 'other');
    site.sends(link, other, 1, 'x');
    await settled(1);
    site.sends(link, { uid: 'nobody' }, 2, 'x');
    await until(() => link.rejected.length === 2);
    expect(link.rejected).toEqual([
      '1 not_found: There is no such route in project "default".',
      '2 not_found: The hub knows of nobody who takes "routes/nobody".',
    ]);
    expect([await site.waiting(), site.handed]).toEqual([EMPTY, []]);
  });

  it('wait for the outbox when it cannot be written, and are not given up', async () => {
    const route = await site.route('r');
    site.hub.outbox.unsure(site.hub.outbox.prepare([{ lane: `routes/${route.uid}`, body: Buffer.from('never') }]));
    site.sends(link, route, 1, 'a', 'b');
    await settled(2);
    await drained();
    expect([link.rejected, site.texts]).toEqual([[], ['a', 'b']]);
  });

  it('are taken all the same when their route refuses more than it has room for: they were promised', async () => {
    const route = await site.route('r', { state: 'paused', budget: { bytes: 65_536, whenFull: 'refuse' } });
    site.sends(link, route, 1, ...numbers(40).map((text) => text.padEnd(4_000)));
    await settled(40);
    expect([link.rejected, await site.waiting()]).toEqual([[], { counted: 40, stored: 40 }]);
  });

  it('leave nothing of a transaction that was rolled back, and are written by the next one', async () => {
    const route = await site.route('r', { state: 'paused' });
    const insert = site.hub.store.insert.bind(site.hub.store);
    let fails = 3;
    site.hub.store.insert = async (tx, queued) => {
      await insert(tx, queued);
      fails -= 1;
      if (fails >= 0) throw new EdgeError('database_unavailable', 'gone');
    };
    site.sends(link, route, 1, 'a', 'b');
    await settled(2);
    // The outbox was not sure, and looked: it counts what is there.
    await until(() => site.hub.outbox.failure === undefined);
    expect(await site.waiting()).toEqual({ counted: 2, stored: 2 });
    await site.route('r');
    await drained();
    expect(site.texts).toEqual(['a', 'b']);
  });

  it('are delivered although the connection was lost right behind the commit', async () => {
    const route = await site.route('r');
    const write = site.db.write.bind(site.db);
    site.db.write = async (run) => {
      const done = await write(run);
      site.db.write = write;
      if (done === undefined) throw new EdgeError('database_unavailable', 'gone');
      return done;
    };
    site.sends(link, route, 1, 'a');
    await settled(1);
    await drained();
    expect(site.texts).toEqual(['a']);
  });

  it('are there after a restart, in order, with what was not delivered', async () => {
    const route = await site.route('r');
    site.outcome = async ({ payload }) => {
      await until(() => site.connected.has('go') || Number(Buffer.from(payload)) < 100, { timeoutMs: 60_000 });
      return site.connected.has('go') || Number(Buffer.from(payload)) < 100 ? { is: 'delivered' } : { is: 'waits' };
    };
    site.sends(link, route, 1, ...numbers(300));
    await settled(300);
    await until(() => site.handed.length === 100);
    await site.restart();
    site.connected.add('go');
    await drained();
    // What was delivered and not noted comes again, nothing else.
    expect([...new Set(site.texts)]).toEqual(numbers(300));
    expect(site.hub.outbox.lanes.map(({ bytes }) => bytes)).toEqual([0]);
  });

  it('never get a sequence that was used before, not even when nothing is left of them', async () => {
    const route = await site.route('r');
    site.sends(link, route, 1, 'a', 'b');
    await settled(2);
    await drained();
    const before = site.hub.outbox.epoch;
    await site.restart();
    const { queued } = site.hub.outbox.prepare([{ lane: `routes/${route.uid}`, body: Buffer.alloc(0) }]);
    expect(queued[0]?.seq).toBeGreaterThan(2);
    expect(site.hub.outbox.epoch).toBe(before);
  });

  it('wait while their route is paused, and go when it goes on', async () => {
    const route = await site.route('r', { state: 'paused' });
    site.sends(link, route, 1, ...numbers(5));
    await settled(5);
    expect(site.handed).toEqual([]);
    await site.restart();
    expect(site.handed).toEqual([]);
    await site.route('r');
    await drained();
    expect(site.texts).toEqual(numbers(5));
    await site.route('r', { state: 'stopped' });
    site.sends(link, route, 6, 'late');
    await until(() => site.texts.includes('late'));
  });

  it('go to a node when it is there, and to the others meanwhile', async () => {
    const spec = {
      target: { endpoint: 'edge', topic: 'x/{node}', node: '{1}' },
      source: { endpoint: 'edge', topic: '+/a' },
    };
    const route = await site.route('r', spec);
    const [here, away] = ['here', 'away'].map((node) => ({ project: 'default', node }));
    if (here === undefined || away === undefined) throw new Error('two nodes');
    site.connect(here);
    for (const [node, text] of [
      ['here', 'h1'],
      ['away', 'a1'],
      ['here', 'h2'],
    ] as const)
      await site.intake.take(route, { topic: `${node}/a`, vars: { '1': node }, payload: Buffer.from(text) });
    await until(() => site.handed.length === 2);
    expect(site.texts).toEqual(['h1', 'h2']);
    site.connect(away);
    await drained();
    expect(site.handed.at(-1)?.lane).toEqual({ from: 'hub', uid: route.uid, node: 'away' });
    site.disconnect(here);
    await site.intake.take(route, { topic: 'here/a', vars: { '1': 'here' }, payload: Buffer.from('h3') });
    await site.restart();
    expect([site.texts.includes('h3'), laneOf(`own/${route.uid}/here`)?.count]).toEqual([false, 1]);
    site.connect(here);
    await drained();
    expect(site.texts.at(-1)).toBe('h3');
  });

  it('are refused one by one when their node cannot be named', async () => {
    const route = await site.route('r', { target: { endpoint: 'edge', topic: 'x', node: '{nobody}' } });
    site.sends(link, route, 1, 'x');
    await settled(1);
    expect(link.rejected[0]).toMatch(/^1 bad_request: /);
    await expect(
      site.intake.take(route, { topic: 't', vars: { nobody: 'a/b' }, payload: Buffer.from('x') }),
    ).rejects.toThrow(/"a\/b" is no name of a node/);
    expect(await site.waiting()).toEqual(EMPTY);
  });

  it('are refused for good when they are larger than all that their route may hold, and for now when it is full', async () => {
    const route = await site.route('r', { state: 'paused', budget: { bytes: 65_536, whenFull: 'refuse' } });
    const large = Buffer.alloc(70_000);
    const take = (payload: Buffer): Promise<unknown> => site.intake.take(route, { topic: 't', vars: {}, payload });
    await expect(take(large)).rejects.toMatchObject({ code: 'body_too_large' });
    site.sends(link, route, 1, large.toString('latin1'));
    await settled(1);
    expect(link.rejected[0]).toMatch(/^1 body_too_large: /);
    await take(large.subarray(0, 40_000));
    await expect(take(large.subarray(0, 40_000))).rejects.toMatchObject({ code: 'overloaded' });
    await site.remove(route);
    await expect(take(Buffer.from('late'))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('are dropped with their route, and counted, and so are its dead letters', async () => {
    const route = await site.route('r');
    site.outcome = ({ payload }) =>
      Buffer.from(payload).toString() === 'bad'
        ? { is: 'rejected', code: 'endpoint_failed', detail: 'no' }
        : { is: 'failed', code: 'endpoint_failed', detail: 'not now' };
    site.sends(link, route, 1, 'bad', 'a', 'b');
    await settled(3);
    await until(() => site.hub.outbox.deadCount === 1);
    await site.remove(route);
    // Something is to be written.
    const other = await site.route('other', { state: 'paused' });
    site.sends(link, other, 4, 'x');
    await until(() => laneOf(`routes/${route.uid}`)?.count === 0);
    await until(async () => (await site.waiting()).stored === 1);
    const drops = site.hub.outbox.drops.map(({ lane, reason, count }) => `${lane} ${reason} ${count}`);
    expect(drops.sort()).toEqual([`routes/${route.uid} budget 2`, `routes/${route.uid} discarded 1`]);
    await site.restart();
    expect(site.hub.outbox.deadCount).toBe(0);
  });

  it('are listed when they are given up, and go at once, through a lane of their own, when they are sent again', async () => {
    const route = await site.route('r');
    const letters = new HubLetters(site.hub);
    site.outcome = () => ({ is: 'rejected', code: 'endpoint_failed', detail: 'no' });
    site.sends(link, route, 1, 'a', 'b', 'c');
    await until(async () => (await letters.list(route.uid, 0, 9)).length === 3);
    await site.restart();
    const again = new HubLetters(site.hub);
    const [first, second] = await again.list(route.uid, 0, 2);
    expect(first).toMatchObject({
      topic: 'sensors/a',
      code: 'endpoint_failed',
      detail: 'no',
      size: 1,
      payload: 'YQ==',
    });
    site.outcome = () => ({ is: 'delivered' });
    expect(again.discard(route.uid, [Number(first?.id)])).toBe(1);
    expect(await again.revive(route.uid, undefined)).toBe(2);
    expect(await again.list(route.uid, 0, 9)).toEqual([]);
    await drained();
    expect(site.texts).toEqual(['b', 'c']);
    expect(site.handed.map(({ lane }) => lane.from)).toEqual(['hub', 'hub']);
    expect(Number(second?.id)).toBeGreaterThan(Number(first?.id));
    site.sends(link, route, 4, 'd');
    await until(() => site.texts.includes('d'));
  });

  it('are counted, and the counts are there after a restart', async () => {
    const route = await site.route('r', { filter: 'payload.n > 1' });
    for (const n of [1, 2, 3])
      await site.intake.take(route, { topic: 't', vars: {}, payload: Buffer.from(`{"n":${n}}`) });
    await drained();
    site.counts.forwarded(route.uid, { bytes: 7, tookMs: 30 });
    site.counts.failed(route.uid, 'once');
    await site.restart();
    expect(site.counts.of(route.uid)).toMatchObject({
      ...{ taken: 3, filtered: 1, forwarded: 1, failed: 1, bytes: 7 },
      errors: [{ detail: 'once' }],
    });
  });
});
