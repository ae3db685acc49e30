import { randomBytes } from 'node:crypto';
import { endpoints } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayCaller } from '../stage/gateway-caller.js';
import { NodeService } from '../stage/node-service.js';
import type { Program } from '../stage/process.js';
import { RouteSite } from '../stage/route-site.js';
import { params } from '../stage/site.js';

const TOPIC = 'default/nodes/site/user';

describe('routes to and from what is on a node', () => {
  const site = new RouteSite();
  const service = new NodeService();
  const caller = new GatewayCaller(site.hub);
  const heard: { topic: string; payload: Buffer }[] = [];
  let device: MqttClient;

  const endpoint = (name: string, port: number, timeoutSeconds = 30) =>
    site.hub.client.call(endpoints.endpoints.put, {
      ...params(name),
      body: { labels: {}, spec: { kind: 'service', port, timeoutSeconds } },
    });
  const publish = (topic: string, payload: string | Buffer) =>
    device.publishAsync(`${TOPIC}/${topic}`, payload, { qos: 1 });
  const came = (topic: string): Buffer[] =>
    heard.filter((one) => one.topic === `${TOPIC}/${topic}`).map(({ payload }) => payload);
  const codeOf = async (answer: Response): Promise<[number, string]> => [
    answer.status,
    ((await answer.json()) as { code: string }).code,
  ];
  /** Sends until the node knows what it may pass on. */
  const reachable = async (path: string): Promise<void> => {
    let said = '';
    await until(
      async () => {
        const answer = await caller.send('POST', path);
        said = `${answer.status} ${await answer.text()}`;
        return answer.status === 204;
      },
      { timeoutMs: 60_000, everyMs: 500, describe: () => `${path} to be known; it says ${said}` },
    );
  };
  /** Publishes until a route of the node has taken something. */
  const known = async (name: string, topic: string): Promise<void> => {
    await until(async () => (await publish(topic, 'first'), (await site.shown(name)).status.stats.forwarded > 0), {
      timeoutMs: 60_000,
      everyMs: 500,
      describe: () => `route ${name} to take something`,
    });
  };

  beforeAll(async () => {
    await service.start();
    await site.start();
    await caller.start();
    device = await connectAsync(`mqtt://127.0.0.1:${site.mqttPort}`, { clientId: 'device', protocolVersion: 4 });
    device.on('message', (topic, payload) => heard.push({ topic, payload }));
    await device.subscribeAsync(`${TOPIC}/#`, { qos: 1 });
    await endpoint('app', service.port);
  });
  afterEach(() => {
    site.cable.plug();
    service.answer = (_heard, response) => response.writeHead(204).end();
  });
  afterAll(async () => {
    await device.endAsync(true);
    await site.close();
    await service.stop();
  });

  describe('a request from outside to a service', () => {
    beforeAll(async () => {
      const methods = ['GET', 'POST', 'PUT'];
      const source = { endpoint: 'rest', path: '/app/{node}/{rest...}', methods };
      await site.put('ask', { source, target: { endpoint: 'app', node: '{node}' } });
      await reachable('/app/site/first');
    });

    it('is asked once, and its answer is the one of the service, byte for byte', async () => {
      const [body, answered] = [randomBytes(200_000), randomBytes(300_000)];
      service.answer = (_heard, response) => {
        response.writeHead(418, [
          ...['x-own', 'a', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
          ...['content-type', 'application/x-odd'],
        ]);
        response.write(answered.subarray(0, 100_000));
        response.end(answered.subarray(100_000));
      };
      const answer = await caller.send('PUT', '/app/site/a%2Fb/c?x=%20&y', body, { 'x-mine': 'yes' });
      expect([answer.status, answer.headers.get('x-own')]).toEqual([418, 'a']);
      expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
      expect(answer.headers.get('content-type')).toBe('application/x-odd');
      expect(Buffer.from(await answer.arrayBuffer()).equals(answered)).toBe(true);
      const asked = service.at('/a%2Fb/c?x=%20&y');
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatchObject({ method: 'PUT', headers: { 'x-mine': 'yes', 'x-forwarded-for': '127.0.0.1' } });
      expect(asked[0]?.body.equals(body)).toBe(true);
      for (const name of ['selvage-key', 'selvage-signature', 'selvage-timestamp'])
        expect(asked[0]?.headers).not.toHaveProperty(name);
    });

    it('comes back with what the service said so far while it goes on', async () => {
      let goOn = (): void => undefined;
      service.answer = (_heard, response) => {
        response.writeHead(200).write('one');
        goOn = () => response.end('two');
      };
      const { body } = await caller.send('GET', '/app/site/slowly');
      const reader = body?.getReader();
      const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
      expect(await read()).toBe('one');
      goOn();
      expect(await read()).toBe('two');
    });

    it('is answered by the hub when nobody listens, when the time is up and when the node is away', async () => {
      const target = (name: string) => ({ endpoint: name, node: 'site' });
      for (const [name, port] of [
        ['nobody', await freePort()],
        ['late', service.port],
      ] as const) {
        await endpoint(name, port, 1);
        await site.put(name, { source: { endpoint: 'rest', path: `/${name}` }, target: target(name) });
      }
      let answer: [number, string] = [0, ''];
      await until(async () => (answer = await codeOf(await caller.send('POST', '/nobody')))[1] !== 'forbidden', {
        timeoutMs: 60_000,
        everyMs: 500,
        describe: () => 'the node to know the port',
      });
      expect(answer).toEqual([502, 'service_unreachable']);
      service.answer = () => undefined;
      expect(await codeOf(await caller.send('POST', '/late'))).toEqual([504, 'deadline_exceeded']);
      site.cable.pull();
      await site.hub.nodeIs('site', 'offline');
      expect(await codeOf(await caller.send('POST', '/app/site/away'))).toEqual([503, 'node_offline']);
      site.cable.plug();
      await site.hub.nodeIs('site', 'ready');
      expect(service.at('/away')).toEqual([]);
    });
  });

  it('brings requests from outside to a topic of the node, also those that came while it was away', async () => {
    const source = { endpoint: 'rest', path: '/tell/{node}/{rest...}' };
    await site.put('tell', { source, target: { endpoint: 'edge', node: '{node}', topic: `user/told/{rest}` } });
    const sent = Array.from({ length: 20 }, (_, index) => Buffer.concat([Buffer.of(index), randomBytes(1000)]));
    const tell = async (payload: Buffer): Promise<void> => {
      const answer = await caller.send('POST', '/tell/site/a/b', payload, { 'content-type': 'application/x' });
      expect([answer.status, await answer.json()]).toEqual([202, { id: expect.any(String) as string, kept: true }]);
    };
    for (const payload of sent.slice(0, 10)) await tell(payload);
    await until(() => came('told/a/b').length === 10, { describe: () => `${came('told/a/b').length} came` });
    site.cable.pull();
    await site.hub.nodeIs('site', 'offline');
    for (const payload of sent.slice(10)) await tell(payload);
    expect((await site.shown('tell')).status.stats).toMatchObject({ forwarded: 10, backlog: { count: 10 } });
    site.cable.plug();
    await site.drained('tell');
    await until(() => came('told/a/b').length >= 20, { describe: () => `${came('told/a/b').length} came` });
    expect(Buffer.concat(came('told/a/b')).equals(Buffer.concat(sent))).toBe(true);
    expect((await site.shown('tell')).status.stats).toMatchObject({ taken: 20, forwarded: 20, dead: 0 });
  });

  it('brings what devices say to a service, each in its order, although the hub is away', async () => {
    await site.route('post', 'user/in/+', { endpoint: 'app', path: '/in/{1}' });
    await known('post', 'in/first');
    site.cable.pull();
    await site.hub.nodeIs('site', 'offline');
    const sent = Array.from({ length: 30 }, (_, index) => Buffer.concat([Buffer.of(index), randomBytes(index * 50)]));
    let refusals = 2;
    service.answer = (_heard, response) => response.writeHead(refusals-- > 0 ? 500 : 200).end('words');
    for (const payload of sent) await publish('in/a', payload);
    await until(() => service.at('/in/a').length === 32, { describe: () => `${service.at('/in/a').length} came` });
    const tries = service.at('/in/a');
    expect(tries.slice(0, 3).every(({ body }) => body.equals(sent[0] ?? Buffer.alloc(0)))).toBe(true);
    expect(new Set(tries.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(Buffer.concat(tries.slice(2).map(({ body }) => body)).equals(Buffer.concat(sent))).toBe(true);
    expect(tries[0]?.headers).toMatchObject({ 'selvage-topic': `${TOPIC}/in/a`, 'selvage-node': 'site' });
    site.cable.plug();
    await site.hub.nodeIs('site', 'ready');
    await until(async () => (await site.shown('post')).status.stats.failed === 2, {
      describe: () => site.said('post'),
    });
  });

  it('keeps on the node what its service refuses, until somebody sends it again or throws it away', async () => {
    await site.route('picky', 'user/picky/+', { endpoint: 'app', path: '/picky/{1}' });
    await known('picky', 'picky/first');
    service.answer = ({ body }, response) =>
      response.writeHead(body.toString().startsWith('bad') ? 422 : 200).end('no');
    for (const text of ['bad 1', 'good', 'bad 2', 'bad 3']) await publish('picky/a', text);
    await until(async () => (await site.shown('picky')).status.stats.dead === 3, {
      describe: () => site.said('picky'),
    });
    const letters = async () =>
      (await site.hub.client.call(endpoints.routes.dead, { ...params('picky'), query: {} })).items;
    const [one, two, three] = await letters();
    const payload = Buffer.from('bad 1').toString('base64');
    expect(one).toMatchObject({ node: 'site', topic: `${TOPIC}/picky/a`, size: 5, payload });
    expect(one?.detail).toMatch(/answered 422: no/);
    service.answer = (_heard, response) => response.writeHead(200).end();
    const ids = [two?.id ?? ''];
    expect(await site.hub.client.call(endpoints.routes.replay, { ...params('picky'), body: { ids } })).toEqual({
      count: 1,
    });
    const texts = () => service.at('/picky/a').map(({ body }) => body.toString());
    await until(() => texts().length === 5, { describe: () => texts().join() });
    expect(texts()).toEqual(['bad 1', 'good', 'bad 2', 'bad 3', 'bad 2']);
    expect((await letters()).map(({ id }) => id)).toEqual([one?.id, three?.id]);
    expect(await site.hub.client.call(endpoints.routes.discard, { ...params('picky'), body: {} })).toEqual({
      count: 2,
    });
    expect(await letters()).toEqual([]);
    await until(async () => (await site.shown('picky')).status.stats.dead === 0, {
      describe: () => site.said('picky'),
    });
    const dropped = (await site.shown('picky')).status.stats.dropped;
    expect(dropped).toMatchObject([{ node: 'site', reason: 'discarded', count: 2 }]);
    expect(texts()).toHaveLength(5);
  });

  describe('what a route to "live" carries', () => {
    let watch: Program;
    afterAll(() => watch.stop());

    it('is shown to whoever watches, message by message', async () => {
      await site.route('seen', 'user/seen/+', { endpoint: 'live' });
      await known('seen', 'seen/first');
      watch = site.hub.cliProgram('route', 'watch', 'seen', '-o', 'json');
      watch.start();
      const lines = () =>
        watch.output
          .split('\n')
          .filter((line) => line.startsWith('{') && line.endsWith('}'))
          .map((line) => JSON.parse(line) as { topic: string; payload: string });
      await until(async () => (await publish('seen/first', 'x'), lines().length > 0), {
        ...{ timeoutMs: 60_000, everyMs: 500, describe: () => watch.output },
      });
      const sent = Array.from({ length: 10 }, (_, index) => Buffer.of(index, 255, 10));
      for (const payload of sent) await publish('seen/a', payload);
      const ofA = () => lines().filter(({ topic }) => topic === `${TOPIC}/seen/a`);
      await until(() => ofA().length === 10, { describe: () => watch.output });
      expect(ofA().map(({ payload }) => payload)).toEqual(sent.map((payload) => payload.toString('base64')));
    });
  });
});
