import { endpoints, type Route } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { type TestAnswer, TestHub } from '../test-hub.js';

const { routes } = endpoints;
const BASE = '/api/v1/projects/default';

describe.each(DIALECTS)('routes on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
    for (const name of ['one', 'two']) await put(`endpoints/${name}`, { kind: 'webhook', url: 'https://hook.example' });
    await put('endpoints/app', { kind: 'service', port: 8080 });
    await put('nodes/n1', {});
  }, 60_000);
  afterAll(() => hub.stop());

  const ask = (method: string, path: string, spec?: object): Promise<TestAnswer> =>
    hub.ask({ method, path: `${BASE}/${path}`, ...(spec && { body: { spec } }) });
  async function put(path: string, spec: object): Promise<void> {
    expect(await ask('PUT', path, spec)).toMatchObject({ status: 200 });
  }
  const routeOf = ({ body }: TestAnswer): Route => routes.get.answer.parse(body);
  const shown = async (name: string): Promise<Route> => routeOf(await ask('GET', `routes/${name}`));
  const detail = (text: RegExp) => ({ body: { detail: expect.stringMatching(text) as string } });
  const from = (path: string): object => ({ endpoint: 'rest', path });
  async function send(path: string, body: string, code = 202): Promise<void> {
    const headers = { authorization: `Bearer ${hub.admin}` };
    const answer = await fetch(`${hub.url}/gateway/default${path}`, { method: 'POST', headers, body });
    expect(answer.status, await answer.text()).toBe(code);
  }

  it('are made, read, changed, listed and deleted, and an equal write changes nothing', async () => {
    const spec = { source: from('/made'), target: { endpoint: 'one' } };
    const made = routeOf(await ask('PUT', 'routes/made', spec));
    expect(made).toMatchObject({ name: 'made', spec, status: { state: 'active', detail: '', stats: { taken: 0 } } });
    expect(routeOf(await ask('PUT', 'routes/made', spec)).revision).toBe(made.revision);
    const paused = routeOf(await ask('PATCH', 'routes/made', { state: 'paused' }));
    expect(paused).toMatchObject({ spec: { ...spec, state: 'paused' }, status: { state: 'paused' } });
    expect(paused.revision).toBeGreaterThan(made.revision);
    expect(await shown('made')).toEqual(paused);
    const all = routes.list.answer.parse((await ask('GET', 'routes')).body);
    expect(all.items.map(({ name }) => name)).toContain('made');
    expect(await ask('DELETE', 'routes/made')).toMatchObject({ status: 204 });
    for (const [method, patch] of [['GET'], ['PATCH', {}], ['DELETE']] as const)
      expect(await ask(method, 'routes/made', patch)).toMatchObject({ status: 404, code: 'not_found' });
    await send('/made', 'x', 404);
  });

  it.each([
    ['rest', /messages come from "rest"/],
    ['events', /messages come from "events"/],
    ['nowhere', /there is no endpoint "nowhere"/],
  ])('do not lead to "%s"', async (endpoint, text) => {
    const refused = await ask('PUT', 'routes/astray', { source: from('/astray'), target: { endpoint } });
    expect(refused).toMatchObject({ status: 400, ...detail(text) });
    expect(await ask('GET', 'routes/astray')).toMatchObject({ status: 404 });
  });

  it('keep the source that they were made with', async () => {
    await put('routes/kept', { source: from('/kept'), target: { endpoint: 'one' } });
    const other = { source: { endpoint: 'edge', topic: 'a' }, target: { endpoint: 'one' } };
    expect(await ask('PUT', 'routes/kept', other)).toMatchObject({ status: 400, ...detail(/source.endpoint/) });
    expect((await shown('kept')).spec.source).toMatchObject({ endpoint: 'rest' });
  });

  it('are not there twice', async () => {
    await put('routes/first', { source: from('/same'), target: { endpoint: 'one' } });
    const same = { source: from('/same'), target: { endpoint: 'one' } };
    expect(await ask('PUT', 'routes/second', same)).toMatchObject({ status: 409, ...detail(/"?first"?/) });
    expect(await ask('GET', 'routes/second')).toMatchObject({ status: 404 });
  });

  it('keep the endpoint that they lead to from being deleted, which names them', async () => {
    await put('routes/held', { source: from('/held'), target: { endpoint: 'two' } });
    expect(await ask('GET', 'endpoints/two')).toMatchObject({ body: { status: { usedBy: ['held'] } } });
    expect(await ask('DELETE', 'endpoints/two')).toMatchObject({ status: 409, code: 'in_use', ...detail(/held/) });
    await put('routes/held', { source: from('/held'), target: { endpoint: 'one' } });
    expect(await ask('GET', 'endpoints/two')).toMatchObject({ body: { status: { usedBy: [] } } });
    expect(await ask('DELETE', 'endpoints/two')).toMatchObject({ status: 204 });
  });

  it('keep an endpoint from becoming one that they do not fit', async () => {
    await put('endpoints/turned', { kind: 'webhook', url: 'https://hook.example' });
    await put('routes/fits', { source: from('/fits'), target: { endpoint: 'turned', path: '/in' } });
    const broker = { kind: 'mqtt', url: 'mqtts://broker.example', clientId: 'us' };
    const refused = await ask('PUT', 'endpoints/turned', broker);
    expect(refused).toMatchObject({ status: 409, code: 'route_conflict', ...detail(/"fits" leads here.*no path/) });
    const service = await ask('PUT', 'endpoints/turned', { kind: 'service', port: 80 });
    expect(service).toMatchObject({
      status: 409,
      code: 'route_conflict',
      ...detail(/"fits" leads here.*name the node/),
    });
    expect(await ask('GET', 'endpoints/turned')).toMatchObject({ body: { spec: { kind: 'webhook' } } });
    await ask('DELETE', 'routes/fits');
    expect(await ask('PUT', 'endpoints/turned', broker)).toMatchObject({ status: 200 });
  });

  it('take nothing while they are stopped, and keep it while they are paused', async () => {
    const spec = { source: from('/turns'), target: { endpoint: 'live' } };
    await put('routes/turns', { ...spec, state: 'stopped' });
    await send('/turns', 'x', 404);
    await put('routes/turns', { ...spec, state: 'paused' });
    await send('/turns', 'x');
    expect((await shown('turns')).status.stats).toMatchObject({ taken: 1, forwarded: 0, backlog: { count: 1 } });
    await put('routes/turns', spec);
    await until(async () => (await shown('turns')).status.stats.forwarded === 1);
    expect((await shown('turns')).status.stats.backlog).toEqual({ count: 0, bytes: 0 });
  });

  it('are counted for Prometheus under the names of the documentation, until they are gone', async () => {
    const spec = { source: from('/figures'), target: { endpoint: 'live' }, filter: 'payload != "no"' };
    await put('routes/figures', { ...spec, state: 'paused' });
    for (const text of ['aaaa', 'no', 'bb']) await send('/figures', text);
    const figures = async (): Promise<Record<string, number>> => {
      const text = await (await hub.open({ method: 'GET', path: '/metrics' })).text();
      const lines = text.matchAll(/^selvage_route_(\w+)\{project="default",route="figures"\} (\S+)$/gm);
      return Object.fromEntries([...lines].map(([, name = '', value]) => [name, Number(value)]));
    };
    const before = await figures();
    const oldest = expect.any(Number) as number;
    expect(before).toEqual({
      ...{ taken: 3, forwarded: 0, forwarded_bytes: 0, filtered: 1, failed: 0, dropped: 0 },
      ...{ backlog: 2, backlog_bytes: (await shown('figures')).status.stats.backlog.bytes },
      ...{ backlog_oldest_seconds: oldest, dead_letters: 0 },
    });
    expect(before.backlog_bytes).toBeGreaterThan(0);
    await put('routes/figures', spec);
    await until(async () => (await figures()).forwarded === 2);
    expect(await figures()).toMatchObject({ forwarded_bytes: 6, backlog: 0, backlog_bytes: 0 });
    await ask('DELETE', 'routes/figures');
    expect(await figures()).toEqual({});
  });
});
