import { cloudEvent, type CloudEvent } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { decodeRouted, toSection } from '@selvage/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';
import { TestNode } from '../test-node.js';

describe.each(DIALECTS)('events on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  const types = ['node.*', 'app.*', 'instance.*', 'device.*'];
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
    await put('routes/all', { source: { endpoint: 'events', types }, target: { endpoint: 'live' }, state: 'paused' });
    const source = { endpoint: 'events', types: ['node.offline', 'app.created'] };
    const filter = "payload.subject != 'quiet'";
    await put('routes/some', { source, target: { endpoint: 'live' }, filter, state: 'paused' });
    const odd = { endpoint: 'edge', node: '{node}', topic: 'user/{name}' };
    await put('nodes/n9', {});
    await put('routes/odd', { source: { endpoint: 'events', types: ['app.created'] }, target: odd, state: 'paused' });
  }, 60_000);
  afterAll(() => hub.stop());

  const base = '/api/v1/projects/default';
  async function put(path: string, spec: object): Promise<void> {
    expect(await hub.ask({ method: 'PUT', path: `${base}/${path}`, body: { spec } })).toMatchObject({ status: 200 });
  }
  const remove = (path: string): Promise<unknown> => hub.ask({ method: 'DELETE', path: `${base}/${path}` });
  async function events(route: string): Promise<CloudEvent[]> {
    const found = await hub.query(
      `SELECT body FROM route_messages JOIN routes ON lane = 'own/' || routes.uid WHERE routes.name = '${route}' ORDER BY seq`,
    );
    return (found as { body: Uint8Array }[]).map(({ body }) => {
      const { id, topic, contentType, payload } = decodeRouted(body);
      const event = cloudEvent.parse(JSON.parse(Buffer.from(payload).toString()));
      expect([id, `io.selvage.${topic}`, contentType]).toEqual([
        event.id,
        event.type,
        'application/cloudevents+json; charset=utf-8',
      ]);
      return event;
    });
  }
  async function toldOf(subject: string, count: number): Promise<CloudEvent[]> {
    const own = async () => (await events('all')).filter((event) => event.subject === subject);
    await until(async () => (await own()).length >= count);
    return own();
  }
  const shortTypes = (all: readonly CloudEvent[]) => all.map(({ type }) => type.replace('io.selvage.', ''));
  const container = { name: 'c', image: 'alpine:3' };

  it('tell of nodes that come and go', async () => {
    const node = await TestNode.join(hub, 'n1');
    await node.leave();
    const [online, offline] = await toldOf('n1', 2);
    expect(online).toMatchObject({
      ...{ specversion: '1.0', type: 'io.selvage.node.online', source: '/projects/default/nodes/n1' },
      ...{ datacontenttype: 'application/json', data: { agent: '1' } },
    });
    expect(offline).toMatchObject({ type: 'io.selvage.node.offline', source: '/projects/default/nodes/n1' });
    expect(online?.id).not.toBe(offline?.id);
  });

  it('tell of apps that are made, changed and deleted, and once of each', async () => {
    await put('apps/web', { placement: { nodes: ['n9'] }, containers: [container] });
    await put('apps/web', { placement: { nodes: ['n9'] }, containers: [container] });
    await put('apps/web', { placement: { nodes: ['n9'] }, containers: [{ ...container, image: 'alpine:4' }] });
    await remove('apps/web');
    const all = await toldOf('web', 3);
    expect(shortTypes(all)).toEqual(['app.created', 'app.updated', 'app.deleted']);
    expect(all[0]?.source).toBe('/projects/default');
  });

  it('tell of devices that are made, changed and deleted, and of what their nodes say of them', async () => {
    const node = await TestNode.join(hub, 'n2');
    await put('devices/fan', { node: 'n2' });
    await put('devices/fan', { node: 'n2', description: 'cold' });
    const say = (state: string): void => {
      node.send({ t: 'report', section: toSection('twins', { devices: [{ id: 'fan', state, twin: {} }] }) });
    };
    for (const state of ['online', 'OK', 'offline']) {
      const { length } = await toldOf('fan', 2);
      say(state);
      await until(
        async () =>
          ((await hub.query(`SELECT reported FROM devices WHERE name = 'fan'`)) as { reported: string }[])[0]
            ?.reported === state,
      );
      if (state !== 'OK') await toldOf('fan', length + 1);
    }
    await remove('devices/fan');
    const all = await toldOf('fan', 5);
    expect(shortTypes(all)).toEqual(
      ['created', 'updated', 'online', 'offline', 'deleted'].map((one) => `device.${one}`),
    );
    expect(all.map(({ source }) => source)).toEqual(Array(5).fill('/projects/default/nodes/n2'));
    await node.leave();
  });

  it('tell of instances whose state is another', async () => {
    const node = await TestNode.join(hub, 'n3');
    const say = (state: string): void => {
      const instances = [{ app: 'shop', uid: 'u', revision: 3, state, containers: [] }];
      node.send({ t: 'report', section: toSection('apps', { instances, purged: [] }) });
    };
    say('progressing');
    await toldOf('shop', 1);
    say('failed');
    const [, failed] = await toldOf('shop', 2);
    expect(failed).toMatchObject({
      ...{ type: 'io.selvage.instance.changed', source: '/projects/default/nodes/n3' },
      data: { instances: [{ uid: 'u', revision: 3, state: 'failed' }] },
    });
    await node.leave();
  });

  it('go to the routes that want them, filtered as all messages are', async () => {
    for (const name of ['quiet', 'loud']) {
      await put(`apps/${name}`, { placement: { nodes: ['n9'] }, containers: [container] });
      await toldOf(name, 1);
    }
    await until(async () => (await events('some')).some(({ subject }) => subject === 'loud'));
    const some = await events('some');
    expect(some.every(({ type }) => /node\.offline|app\.created/.test(type))).toBe(true);
    expect(some.map(({ subject }) => subject)).not.toContain('quiet');
    const [loud] = (await events('all')).filter(({ subject }) => subject === 'loud');
    expect(some.find(({ subject }) => subject === 'loud')?.id).toBe(loud?.id);
  });

  it('that a route cannot work on are counted with it', async () => {
    await until(async () => {
      const { body } = await hub.ask({ method: 'GET', path: `${base}/routes/odd` });
      return JSON.stringify(body).includes('The message has no {node}.');
    });
  });
});

describe('events when the hub stops', () => {
  const databases = testDatabases('PostgreSQL');

  it('do not tell that nodes went: they did not', async () => {
    const hub = await TestHub.start(await databases.fresh());
    const source = { endpoint: 'events', types: ['node.*'] };
    const body = { spec: { source, target: { endpoint: 'live' }, state: 'paused' } };
    await hub.ask({ method: 'PUT', path: '/api/v1/projects/default/routes/all', body });
    await TestNode.join(hub, 'n1');
    const stored = () => hub.query('SELECT body FROM route_messages ORDER BY seq') as Promise<{ body: Uint8Array }[]>;
    await until(async () => (await stored()).length > 0);
    await hub.stop();
    expect((await stored()).map((row) => decodeRouted(row.body).topic)).toEqual(['node.online']);
  });
});
