import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endpoints, type Route, type RouteDeadLetter } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { type S3Store, startS3 } from '../endpoints/kinds/test-s3.js';
import { type TestAnswer, TestHub } from '../test-hub.js';

const { routes } = endpoints;
const BASE = '/api/v1/projects/default';
const SECRET = 'a secret of S3';
/** So long that a message which came was not tried a second time by the clock. */
const HOURS = { minSeconds: 3600, maxSeconds: 3600 };

interface Post {
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

describe.each(DIALECTS)('the last leg of routes on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  let server: Server;
  let store: S3Store;
  const posts: Post[] = [];
  let status: (post: Post) => number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const post = { path, body: Buffer.concat(chunks).toString(), authorization: headers.authorization };
        posts.push(post);
        response.writeHead(status(post)).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    store = await startS3({ bucket: 'lake', secretAccessKey: SECRET });
    hub = await TestHub.start(await databases.fresh(), { SELVAGE_ALLOWED_TARGETS: '127.0.0.0/8' });
  }, 60_000);
  beforeEach(() => {
    posts.length = 0;
    status = () => 204;
  });
  afterAll(async () => {
    await hub.stop();
    await store.stop();
    server.closeAllConnections();
    server.close();
  });

  const ask = (method: string, path: string, body?: object): Promise<TestAnswer> =>
    hub.ask({ method, path: `${BASE}/${path}`, ...(body && { body }) });
  async function put(path: string, spec: object): Promise<void> {
    expect(await ask('PUT', path, { spec })).toMatchObject({ status: 200 });
  }
  const hook = (name: string, more: object = {}): Promise<void> =>
    put(`endpoints/${name}`, {
      kind: 'webhook',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      ...more,
    });
  const route = (name: string, target: object, more: object = {}): Promise<void> =>
    put(`routes/${name}`, { source: { endpoint: 'rest', path: `/${name}/{rest...}` }, target, ...more });
  async function send(path: string, body: string): Promise<void> {
    const headers = { authorization: `Bearer ${hub.admin}` };
    const answer = await fetch(`${hub.url}/gateway/default${path}`, { method: 'POST', headers, body });
    expect(answer.status, await answer.text()).toBe(202);
  }
  const shown = async (name: string): Promise<Route> =>
    routes.get.answer.parse((await ask('GET', `routes/${name}`)).body);
  const letters = async (name: string): Promise<RouteDeadLetter[]> =>
    routes.dead.answer.parse((await ask('GET', `routes/${name}/dead-letters`)).body).items;
  const says = (name: string) => ({ describe: async () => JSON.stringify((await shown(name)).status) });

  it('shows a route as failing with what its target says, and goes on at once when its endpoint is mended', async () => {
    await hook('wrong', { url: 'http://127.0.0.1:1' });
    await route('mended', { endpoint: 'wrong', path: '/in' }, { retry: HOURS });
    await send('/mended/a', 'x');
    await until(async () => (await shown('mended')).status.state === 'failing', says('mended'));
    const { detail, stats } = (await shown('mended')).status;
    expect(detail).toMatch(/127\.0\.0\.1:1/);
    expect(stats).toMatchObject({ failed: 1, forwarded: 0, backlog: { count: 1 }, errors: [{ detail }] });
    expect(await ask('GET', 'endpoints/wrong')).toMatchObject({ body: { status: { state: 'failing', detail } } });
    await hook('wrong');
    await until(() => posts.length === 1, says('mended'));
    expect(posts).toMatchObject([{ path: '/in', body: 'x' }]);
    await until(async () => (await shown('mended')).status.stats.forwarded === 1, says('mended'));
    expect((await shown('mended')).status).toMatchObject({ state: 'active', detail: '' });
    expect(await ask('GET', 'endpoints/wrong')).toMatchObject({ body: { status: { state: 'working' } } });
  });

  it('goes on at once when the secret of its endpoint is mended', async () => {
    const secret = (authorization: string) => put('secrets/login', { type: 'data', properties: { authorization } });
    status = ({ authorization }) => (authorization === 'right' ? 204 : 401);
    await secret('wrong');
    await hook('locked', { secret: 'login' });
    await route('unlocked', { endpoint: 'locked' }, { retry: HOURS });
    await send('/unlocked/a', 'x');
    await until(async () => (await shown('unlocked')).status.state === 'failing', says('unlocked'));
    expect((await shown('unlocked')).status.detail).toMatch(/answered 401/);
    await secret('right');
    await until(async () => (await shown('unlocked')).status.stats.forwarded === 1, says('unlocked'));
    expect(posts.map(({ authorization }) => authorization)).toEqual(['wrong', 'right']);
  });

  it('makes a dead letter of what its target refuses, which is sent again or thrown away', async () => {
    await hook('picky');
    await route('refused', { endpoint: 'picky', path: '/{rest}' }, { retry: HOURS });
    status = ({ body }) => (body.startsWith('bad') ? 422 : 204);
    for (const text of ['bad 1', 'good', 'bad 2', 'bad 3']) await send('/refused/a', text);
    await until(async () => (await letters('refused')).length === 3, says('refused'));
    const [one, two, three] = await letters('refused');
    expect(one).toMatchObject({ topic: '/refused/a', size: 5, payload: Buffer.from('bad 1').toString('base64') });
    expect(one?.detail).toMatch(/answered 422/);
    expect((await shown('refused')).status).toMatchObject({
      state: 'active',
      stats: { taken: 4, forwarded: 1, failed: 3, dead: 3, backlog: { count: 0 } },
    });
    status = () => 204;
    const replayed = await ask('POST', 'routes/refused/dead-letters/replay', { ids: [two?.id] });
    expect(replayed).toMatchObject({ body: { count: 1 } });
    await until(async () => (await shown('refused')).status.stats.forwarded === 2, says('refused'));
    expect(posts.map(({ body }) => body)).toEqual(['bad 1', 'good', 'bad 2', 'bad 3', 'bad 2']);
    expect((await letters('refused')).map(({ id }) => id)).toEqual([one?.id, three?.id]);
    expect(await ask('POST', 'routes/refused/dead-letters/discard', {})).toMatchObject({ body: { count: 2 } });
    expect(await letters('refused')).toEqual([]);
    expect((await shown('refused')).status.stats).toMatchObject({
      dead: 0,
      dropped: [{ reason: 'discarded', count: 2 }],
    });
  });

  it('gives a message up after as many tries as its route says', async () => {
    await hook('broken');
    await route('tried', { endpoint: 'broken' }, { retry: { tries: 3, minSeconds: 0.1, maxSeconds: 0.1 } });
    status = () => 500;
    await send('/tried/a', 'x');
    await until(async () => (await letters('tried')).length === 1, says('tried'));
    expect(posts).toHaveLength(3);
    expect((await shown('tried')).status.stats).toMatchObject({ failed: 3, dead: 1, backlog: { count: 0 } });
  });

  it('fills what stores many messages as one: an object of S3, not one for each batch', async () => {
    const properties = { accessKeyId: store.accessKeyId, secretAccessKey: SECRET };
    await put('secrets/lake', { type: 'data', properties });
    await put('endpoints/lake', { kind: 's3', url: store.url, bucket: 'lake', secret: 'lake', objectSeconds: 1 });
    await route('stored', { endpoint: 'lake', topic: 'raw' }, { state: 'paused', batch: { messages: 5 } });
    const texts = Array.from({ length: 30 }, (_, index) => String(index));
    for (const text of texts) await send('/stored/a', text);
    await ask('PATCH', 'routes/stored', { spec: { state: 'active' } });
    await until(async () => (await shown('stored')).status.stats.forwarded === 30, says('stored'));
    const objects = await store.list('lake');
    expect(objects).toHaveLength(1);
    expect(objects[0]).toMatch(/^raw\//);
    const lines = ((await store.read(`/lake/${objects[0]}`)) ?? '').trim().split('\n');
    const payloads = lines.map((line) => (JSON.parse(line) as { payload: string }).payload);
    expect(payloads.map((one) => Buffer.from(one, 'base64').toString())).toEqual(texts);
  });
});
