import { endpoints } from '@selvage/protocol';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { type TestAnswer, TestHub } from '../test-hub.js';

const { endpoints: all, secrets } = endpoints;
const WEBHOOK = { kind: 'webhook', url: 'https://hooks.example/a' };
const DATA = { type: 'data', properties: { signing: 'a signing key', unused: 'x' } };

describe.each(DIALECTS)('endpoints on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  let server: Server;
  const said: { authorization?: string | undefined }[] = [];
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh(), { SELVAGE_ALLOWED_TARGETS: '127.0.0.0/8' });
    server = createServer(({ headers }, response) => {
      said.push({ authorization: headers.authorization });
      response.writeHead(headers.authorization === 'Bearer right' ? 204 : 401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    server.close();
    await hub.stop();
  });

  const ask = (verb: 'get' | 'put' | 'patch' | 'remove' | 'test', name: string, body?: object): Promise<TestAnswer> => {
    const { method, path } = all[verb];
    return hub.ask({
      method,
      path: path.replace('{project}', 'default').replace('{name}', name),
      ...(body && { body }),
    });
  };
  const list = async (): Promise<readonly string[]> => {
    const { method, path, answer } = all.list;
    return answer
      .parse((await hub.ask({ method, path: path.replace('{project}', 'default') })).body)
      .items.map(({ name }) => name);
  };
  const putSecret = (name: string, spec: object): Promise<TestAnswer> =>
    hub.ask({
      method: 'PUT',
      path: secrets.put.path.replace('{project}', 'default').replace('{name}', name),
      body: { spec },
    });

  it('are made, read, changed, listed and deleted', async () => {
    const made = await ask('put', 'shop', { labels: { a: 'b' }, spec: WEBHOOK });
    expect(made).toMatchObject({
      status: 200,
      body: { name: 'shop', spec: { ...WEBHOOK, timeoutSeconds: 30 }, status: { usedBy: [], state: 'idle' } },
    });
    expect(await ask('put', 'shop', { labels: { a: 'b' }, spec: WEBHOOK })).toEqual(made);
    const changed = await ask('patch', 'shop', { spec: { timeoutSeconds: 5 } });
    expect(changed).toMatchObject({
      status: 200,
      body: { labels: { a: 'b' }, spec: { ...WEBHOOK, timeoutSeconds: 5 } },
    });
    expect(await ask('get', 'shop')).toMatchObject({ body: { spec: { timeoutSeconds: 5 } } });
    expect(await list()).toContain('shop');
    expect(await ask('remove', 'shop')).toMatchObject({ status: 204 });
    expect(await ask('get', 'shop')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await list()).not.toContain('shop');
  });

  it.each(['edge', 'rest', 'live', 'events'])('do not take the name %s, which is built in', async (name) => {
    const refused = await ask('put', name, { spec: WEBHOOK });
    expect(refused).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/built in/) as string } });
    expect(await ask('get', name)).toMatchObject({ status: 404 });
  });

  it('name a secret that is there and holds what the kind reads', async () => {
    const spec = { ...WEBHOOK, secret: 'keys' };
    const missing = { status: 400, body: { detail: expect.stringMatching(/there is no secret "keys"/) as string } };
    expect(await ask('put', 'signed', { spec })).toMatchObject(missing);
    await putSecret('keys', { type: 'registry', registry: 'r.example', username: 'u', password: 'p' });
    expect(await ask('put', 'signed', { spec })).toMatchObject(missing);
    await putSecret('keys2', { type: 'data', properties: { other: 'x' } });
    const wrong = await ask('put', 'signed', { spec: { ...WEBHOOK, secret: 'keys2' } });
    expect(wrong).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(/needs the properties signing, or authorization/) as string },
    });
    await putSecret('keys3', DATA);
    expect(await ask('put', 'signed', { spec: { ...WEBHOOK, secret: 'keys3' } })).toMatchObject({ status: 200 });
  });

  it.each([
    ['loopback', { kind: 'webhook', url: 'http://[::1]/' }],
    ['metadata', { kind: 's3', url: 'http://169.254.169.254', bucket: 'abc', secret: 'aws' }],
    ['link-local brokers', { kind: 'kafka', brokers: ['kafka.example:9092', '169.254.1.1:9092'] }],
    ['their own machine', { kind: 'postgres', host: '::1', database: 'd', table: 't' }],
  ])('are not made for %s', async (_what, spec) => {
    await putSecret('aws', { type: 'data', properties: { accessKeyId: 'a', secretAccessKey: 'b' } });
    expect(await ask('put', 'closed', { spec })).toMatchObject({ status: 400, code: 'target_refused' });
  });

  it('keep the secret that they name from being deleted', async () => {
    await putSecret('held', DATA);
    await ask('put', 'holder', { spec: { ...WEBHOOK, secret: 'held' } });
    const at = secrets.remove.path.replace('{project}', 'default').replace('{name}', 'held');
    expect(await hub.ask({ method: 'DELETE', path: at })).toMatchObject({ status: 409, code: 'in_use' });
    await ask('remove', 'holder');
    expect(await hub.ask({ method: 'DELETE', path: at })).toMatchObject({ status: 204 });
  });

  it('are tested with their credentials, and with new ones as soon as their secret has them', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await putSecret('door', { type: 'data', properties: { authorization: 'Bearer wrong' } });
    await ask('put', 'tested', { spec: { kind: 'webhook', url, secret: 'door' } });
    expect(await ask('test', 'tested')).toMatchObject({
      body: { ok: false, detail: expect.stringMatching(/answered 401/) as string },
    });
    await putSecret('door', { type: 'data', properties: { authorization: 'Bearer right' } });
    expect(await ask('test', 'tested')).toMatchObject({ body: { ok: true } });
    expect(said.map(({ authorization }) => authorization)).toEqual(['Bearer wrong', 'Bearer right']);
    expect(await ask('test', 'nobody')).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('that are services are not tested from here', async () => {
    await ask('put', 'local', { spec: { kind: 'service', port: 8080 } });
    expect(await ask('test', 'local')).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(/service/) as string },
    });
  });
});
