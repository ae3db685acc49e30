import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { endpoints, errorBody } from '@selvage/protocol';
import { startPostgres, until } from '@selvage/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { everywhere, mutationsOf } from '../stage/mutations.js';
import { type RawAnswer, rawRequest } from '../stage/raw-request.js';
import { HubProcess, params } from '../stage/site.js';

const APP = {
  labels: { tier: 'front' },
  spec: {
    placement: { nodes: ['n1'], selector: 'site=a' },
    imagePullSecret: 'robot',
    containers: [
      {
        name: 'web',
        image: 'registry.example/web:1',
        command: ['serve'],
        args: ['--port', '80'],
        env: [{ name: 'A', value: 'b' }],
        ports: [{ containerPort: 80, hostPort: 8080, protocol: 'tcp', hostIp: '127.0.0.1' }],
        mounts: [
          { volume: 'data', path: '/data', readOnly: false },
          { hostPath: '/srv/x', path: '/x' },
        ],
        limits: { cpu: 0.5, memoryMb: 64 },
        restart: 'on-failure',
        stopTimeoutSeconds: 5,
        user: '1000:1000',
      },
    ],
  },
};
const SECRET = { labels: {}, spec: { type: 'registry', registry: 'r.example', username: 'robot', password: 'secret' } };
const APP_PATH = '/api/v1/projects/default/apps/web';

const hub = new HubProcess();
let admin = '';
const json = (): Record<string, string> => ({
  authorization: `Bearer ${admin}`,
  'content-type': 'application/json',
});
const ask = (method: string, path: string, body?: string, headers = json()): Promise<RawAnswer> =>
  rawRequest(hub.url, { method, path, headers, ...(body !== undefined && { body }) });

beforeAll(async () => {
  await hub.start();
  await hub.client.call(endpoints.projects.put, { params: { project: 'mine' }, body: {} });
  for (const project of ['default', 'mine'])
    await hub.client.call(endpoints.nodes.put, { params: { project, name: 'n1' }, body: { labels: {}, spec: {} } });
  await hub.client.call(endpoints.secrets.put, { ...params('robot'), body: SECRET as never });
  admin = (await hub.client.call(endpoints.tokens.make, { body: { name: 'all-admin', role: 'admin' } })).token;
});
afterAll(() => hub.close());

/** It worked, or says in our words what is wrong with the request: never that something broke. */
function expectCleanAnswer({ status, body }: RawAnswer, asked: string): void {
  const clean = status < 300 || (status >= 400 && status < 500 && errorBody.safeParse(body).success);
  if (!clean) throw new Error(`${status} ${JSON.stringify(body)} for ${asked.slice(0, 2000)}\n${hub.program.output}`);
}

describe('a request', () => {
  it.each([
    ['PUT', APP_PATH, APP],
    ['POST', `${APP_PATH}/check`, APP],
    ['PATCH', APP_PATH, APP],
    ['PUT', '/api/v1/projects/default/nodes/n1', { labels: { a: 'b' }, spec: { enabled: true, description: 'd' } }],
    ['PATCH', '/api/v1/projects/default/nodes/n1', { labels: { a: 'b' }, spec: { description: 'd' } }],
    ['POST', '/api/v1/projects/default/nodes/n1/join-token', { ttlSeconds: 60, labels: { a: 'b' } }],
    ['PUT', '/api/v1/projects/default/secrets/robot', SECRET],
    ['PATCH', '/api/v1/projects/default/secrets/robot', SECRET],
    ['POST', '/api/v1/tokens', { name: 'fuzzed', role: 'viewer', projects: ['mine'], expiresInSeconds: 60 }],
    ['PUT', '/api/v1/projects/fuzzed', { description: 'd' }],
    ['PUT', '/api/v1/me/password', { current: 'wrong-password', next: 'another-password' }],
    ['POST', '/api/v1/projects/default/certificates/0f/revoke', { reason: 'r' }],
  ])('%s %s with whatever body gets a clean answer', async (method, path, valid) => {
    for (const odd of ['null', '"\\u0000"', '{"__proto__":{"admin":true}}'])
      for (const text of everywhere(valid, odd)) expectCleanAnswer(await ask(method, path, text), text);
    await fc.assert(
      fc.asyncProperty(mutationsOf(valid), async (text) => {
        expectCleanAnswer(await ask(method, path, text), text);
      }),
      { numRuns: 150, endOnFailure: true },
    );
  });

  it('with odd paths and queries gets a clean answer', async () => {
    const paths = [
      '/',
      '/apps',
      '/apps/%00',
      '/apps/%E0%A4%A',
      '/apps/..%2f..',
      '/apps/__proto__',
      `/${'a'.repeat(4000)}`,
    ];
    const queries = ['limit=0', 'limit=x', 'limit=1&limit=2', 'cursor=%00', 'labels=%7Ba', 'x=1', '__proto__=1', '%'];
    for (const path of paths) expectCleanAnswer(await ask('GET', `/api/v1/projects/default${path}`), path);
    for (const query of queries) {
      for (const noun of ['apps', 'nodes', 'secrets']) {
        expectCleanAnswer(await ask('GET', `/api/v1/projects/default/${noun}?${query}`), query);
      }
    }
  });

  it('keeps every key of `__proto__` out', async () => {
    const { labels, spec } = APP;
    const odd = '"__proto__":{"admin":true},';
    const withOdd = (part: object): string => `{${odd}${JSON.stringify(part).slice(1)}`;
    const good = { labels, spec };
    expect((await ask('PUT', APP_PATH, JSON.stringify(good))).status).toBeLessThan(300);
    const bodies = [
      withOdd(good),
      `{"labels":${withOdd(labels)},"spec":${JSON.stringify(spec)}}`,
      `{"labels":${JSON.stringify(labels)},"spec":${withOdd(spec)}}`,
      JSON.stringify({ ...good, constructor: { prototype: { a: 1 } } }),
    ];
    for (const body of bodies)
      expect(await ask('PUT', APP_PATH, body), body).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect((await ask('GET', APP_PATH)).body).toMatchObject(good);
  });

  it.each([
    ['that is no JSON', '{"labels": ', 400],
    ['that is nested deeper than anything of ours', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 400],
    ['of 10 MB', JSON.stringify({ labels: { a: 'x'.repeat(10_000_000) } }), 413],
    ['of one byte too many', `"${'x'.repeat(1024 * 1024 - 1)}"`, 413],
    ['of a million brackets', '['.repeat(1_000_000), 400],
  ])('with a body %s is refused', async (_what, body, status) => {
    const answer = await ask('PUT', APP_PATH, body);
    expect(answer.status).toBe(status);
    expect(errorBody.safeParse(answer.body).success).toBe(true);
    if (status === 413) expect(answer.body).toMatchObject({ code: 'body_too_large' });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    '',
  ])('of type "%s" is refused', async (type) => {
    const answer = await ask('PUT', APP_PATH, JSON.stringify(APP), { ...json(), 'content-type': type });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  it('to an address or with a method that is not there is told so', async () => {
    for (const path of ['/nothing', '/api/v2/me', '/api/v1/projects/default/pods', '/api/v1/projects/nowhere/apps'])
      expect(await ask('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])
      expectCleanAnswer(await ask(method, '/api/v1/projects'), method);
  });

  it('with 100 kB of headers is refused, and the hub goes on', async () => {
    const answer = await ask('GET', '/api/v1/me', undefined, { ...json(), 'x-long': 'x'.repeat(100_000) });
    expect(answer.status).toBe(431);
    expect(await ask('GET', '/api/v1/me')).toMatchObject({ status: 200 });
  });

  it('changed nothing that it was refused for', async () => {
    const node = '/api/v1/projects/default/nodes/n1';
    const before = await ask('GET', node);
    expect(before.body).toMatchObject({ name: 'n1' });
    expect((await ask('PUT', node, '{"labels":{},"spec":{"enabled":null}}')).status).toBe(400);
    expect((await ask('PATCH', node, '{"labels":{"a":"c"},"spec":{"unknown":1}}')).status).toBe(400);
    expect((await ask('GET', node)).body).toEqual(before.body);
  });
});

describe('connections that never say what they want', () => {
  it('hold nobody up, on either port', async () => {
    const { http, link } = hub.ports;
    const slow = await Promise.all([
      ...Array.from({ length: 200 }, () => opened(http, 'GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-A: ')),
      ...Array.from({ length: 200 }, () => opened(link, Buffer.of(22, 3, 1, 2, 0))),
    ]);
    const begun = performance.now();
    expect(await ask('GET', '/api/v1/me')).toMatchObject({ status: 200 });
    expect((await fetch(`http://127.0.0.1:${link}/ca.pem`)).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(5000);
    for (const socket of slow) socket.destroy();
  });
});

describe('a hub whose PostgreSQL goes away', () => {
  it('says so, is not ready, and serves what it had when it is back, without a restart', async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const other = new HubProcess({ env: { SELVAGE_DATABASE_URL: await server.createDatabase() } });
    onTestFinished(() => other.close());
    await other.start();
    await other.client.call(endpoints.nodes.put, { ...params('kept'), body: { spec: {} } });
    await server.down();
    for (const name of ['kept', 'new']) {
      await expect(other.node(name)).rejects.toMatchObject({ code: 'database_unavailable' });
      const write = other.client.call(endpoints.nodes.put, { ...params(name), body: { spec: {} } });
      await expect(write).rejects.toMatchObject({ code: 'database_unavailable' });
    }
    expect((await fetch(`${other.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
    await server.up();
    await until(async () => (await fetch(`${other.url}/readyz`)).ok, { describe: () => 'the hub to be ready again' });
    expect((await other.node('kept')).name).toBe('kept');
    await expect(other.node('new')).rejects.toMatchObject({ code: 'not_found' });
    expect(other.program.running).toBe(true);
  });
});

async function opened(port: number, first: string | Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  socket.write(first);
  return socket;
}
