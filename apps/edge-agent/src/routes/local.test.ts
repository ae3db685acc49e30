import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort, until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { heard } from '../broker/test-stage.js';
import { wantedRoute } from './test-route.js';
import { TestSite } from './test-site.js';

type More = Parameters<typeof wantedRoute>[1];

const edge = (topic: string, more: object = {}) =>
  ({ target: { kind: 'edge', topic, qos: 1, retain: false, ...more } }) as const;
const service = (port: number, path = '/') => ({ target: { kind: 'service', port, path, timeoutSeconds: 5 } }) as const;
const RETRY = { tries: 3, minSeconds: 0.1, maxSeconds: 0.1 };

describe('routes within a node, without a hub', () => {
  const sites: TestSite[] = [];
  const servers: Server[] = [];
  const started = async (...routes: [string, More][]): Promise<TestSite> => {
    const site = new TestSite(...routes.map((one) => wantedRoute(...one)));
    sites.push(site);
    await site.start();
    return site;
  };
  /** A service that answers what it is told to; what it was asked. */
  const serving = async (
    answer: (body: string, asked: IncomingMessage) => number | [number, Record<string, string>],
    port = 0,
  ): Promise<{ port: number; bodies: string[]; asked: IncomingMessage[] }> => {
    const [bodies, all]: [string[], IncomingMessage[]] = [[], []];
    const server = createServer((asked, answering) => {
      const parts: Buffer[] = [];
      asked.on('data', (part: Buffer) => parts.push(part));
      asked.on('end', () => {
        const body = Buffer.concat(parts).toString('latin1');
        bodies.push(body);
        all.push(asked);
        const said = answer(body, asked);
        const [status, headers] = typeof said === 'number' ? [said, {}] : said;
        answering.writeHead(status, headers).end('words\nof it');
      });
    });
    servers.push(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, bodies, asked: all };
  };
  const letters = async (site: TestSite): Promise<string[]> =>
    (await site.local.dead(0, 9)).map(({ lane, code, detail }) => `${lane} ${code} ${detail}`);

  afterEach(async () => {
    for (const site of sites.splice(0)) await site.stop();
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  it('publish on its own broker what they took, in order and byte for byte', async () => {
    const site = await started(['r', { topic: 't/in/+', ...edge('t/out/{1}/{device}') }]);
    const reader = await site.stage.connect('reader');
    const payloads: Buffer[] = [];
    reader.on('message', (topic, payload) => payloads.push(Buffer.concat([Buffer.from(`${topic} `), payload])));
    await reader.subscribeAsync('t/out/#', { qos: 1 });
    const lamp = await site.stage.connect('lamp');
    for (let n = 0; n < 50; n += 1) await lamp.publishAsync('t/in/x', Buffer.from([n, 0, 255]), { qos: 1 });
    await until(() => payloads.length === 50);
    expect(payloads).toEqual(
      Array.from({ length: 50 }, (_, n) => Buffer.from([...Buffer.from('t/out/x/lamp '), n, 0, 255])),
    );
    await until(() => site.local.lanes.every(({ count }) => count === 0));
  });

  it('feed each other, and none takes what went through it before', async () => {
    const site = await started(
      ['there', { topic: 't/a', ...edge('t/b'), group: 'g1' }],
      ['back', { topic: 't/b', ...edge('t/a'), group: 'g2' }],
      ['up', { topic: 't/b', group: 'hub' }],
    );
    const lamp = await site.stage.connect('lamp');
    await lamp.subscribeAsync('t/#', { qos: 0 });
    const all = heard(lamp);
    await lamp.publishAsync('t/a', '1', { qos: 1 });
    await until(async () => all.length === 3 && (await site.toHub()).length === 1);
    expect(all.map((line) => line.split(' ')[0]).sort()).toEqual(['t/a=1', 't/a=1', 't/b=1']);
    expect(await site.toHub()).toEqual(['routes/up t/b 1']);
    await until(() => site.local.lanes.every(({ count }) => count === 0));
    site.desired.want([wantedRoute('there', { topic: 't/a', ...edge('t/b'), group: 'g1' })]);
    expect(site.report('there')).toMatchObject({ taken: 2, forwarded: 1, dropped: [{ reason: 'loop', count: 1 }] });
  });

  it.each([
    ['a variable that the message has not', 't/{nothing}', 'The message has no {nothing}.'],
    ['what only the agent says', '{rest}', 'Routes do not publish on topics that begin with $, as $hw/x does.'],
  ])('publish nothing on a topic with %s: that is a dead letter', async (_what, topic, words) => {
    const site = await started(['r', { topic: 't/#', ...edge(topic) }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/$hw/x', '1', { qos: 1 });
    await until(() => site.local.deadLanes.get('routes/r') === 1);
    await until(async () => (await letters(site)).length === 1);
    expect(await letters(site)).toEqual([`routes/r bad_request ${words}`]);
  });

  it('post to a service, with all that is known of a message', async () => {
    const { port, asked, bodies } = await serving(() => 204);
    const site = await started(['r', { topic: 't/+/#', ...service(port, '/in/{1}/{rest}?of={device}') }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/ä b/x/y', Buffer.from([0, 200]), { qos: 1 });
    await until(() => site.local.lanes.every(({ count }) => count === 0));
    expect(bodies).toEqual(['\0\u00c8']);
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/in/%C3%A4%20b/x/y?of=lamp' });
    expect(asked[0]?.headers).toMatchObject({
      'webhook-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) as string,
      'content-type': 'application/octet-stream',
      'selvage-topic': 't/%C3%A4%20b/x/y',
      'selvage-node': 'n1',
      'selvage-device': 'lamp',
    });
    site.desired.want([]);
  });

  it('lead nowhere else than their path says', async () => {
    const { port, asked } = await serving(() => 204);
    const site = await started(['r', { topic: 't/#', ...service(port, '/in/{rest}') }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/../admin', '1', { qos: 1 });
    await until(async () => (await letters(site)).length === 1);
    expect(asked).toEqual([]);
    expect(await letters(site)).toEqual(['routes/r bad_request The path /in/../admin leads up.']);
  });

  it('wait for a service that is not there, and for one that asks to be left alone', async () => {
    const port = await freePort();
    const site = await started(['r', { ...service(port), retry: RETRY }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/1', '1', { qos: 1 });
    await until(() => (site.report('r')?.failed ?? 0) > 4, { describe: () => JSON.stringify(site.report('r')) });
    let asks = 0;
    const { bodies } = await serving(() => ((asks += 1) < 5 ? [429, { 'retry-after': '0' }] : 200), port);
    await until(() => site.local.lanes.every(({ count }) => count === 0));
    expect(bodies).toEqual(['1', '1', '1', '1', '1']);
    expect(await letters(site)).toEqual([]);
  });

  it.each([
    ['whose answer never ends', 1, (answer: ServerResponse) => answer.writeHead(200).write('begun')],
    [
      'whose answer breaks off',
      300,
      (answer: ServerResponse) => answer.writeHead(200).write('begun', () => answer.destroy()),
    ],
    ['whose answer is endless', 300, (answer: ServerResponse) => answer.writeHead(200).write(Buffer.alloc(1_000_000))],
  ])('believe the status of a service %s', async (_what, timeoutSeconds, say) => {
    const server = createServer((asked, answer) => {
      asked.resume().on('end', () => say(answer));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = { ...service((server.address() as AddressInfo).port).target, timeoutSeconds };
    const site = await started(['r', { target }]);
    const lamp = await site.stage.connect('lamp');
    for (const body of ['1', '2']) await lamp.publishAsync('t/1', body, { qos: 1 });
    await until(() => site.local.lanes.every(({ count }) => count === 0));
    expect(await letters(site)).toEqual([]);
  });

  it('give up a message after so many tries, or when the service will not have it, and the others go on', async () => {
    const { port, bodies } = await serving((body) => (body === 'bad' ? 500 : body === 'wrong' ? 422 : 200));
    const site = await started(['r', { ...service(port), retry: RETRY }]);
    const lamp = await site.stage.connect('lamp');
    for (const body of ['bad', 'wrong', 'good']) await lamp.publishAsync('t/1', body, { qos: 1 });
    await until(async () => (await letters(site)).length === 2 && bodies.includes('good'));
    expect(bodies).toEqual(['bad', 'bad', 'bad', 'wrong', 'good']);
    const said = `routes/r service_unreachable The service on port ${port} answered`;
    expect(await letters(site)).toEqual([`${said} 500: words of it`, `${said} 422: words of it`]);
  });

  it('keep what they cannot process as dead letters, which go on when the route is mended and they are sent again', async () => {
    const site = await started(['r', { ...edge('t2'), filter: 'payload.t > 20' }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/1', 'no number', { qos: 1 });
    await until(async () => (await letters(site)).length === 1);
    expect(await letters(site)).toEqual([expect.stringMatching(/^failed\/r bad_request filter: /)]);
    site.desired.want([wantedRoute('r')]);
    await site.local.revive((await site.local.dead(0, 1))[0]?.seq ?? 0);
    await until(async () => (await site.toHub()).length === 1);
    expect(await site.toHub()).toEqual(['routes/r t/1 no number']);
  });

  it('keep what they take while they are paused, and forget it when they are gone', async () => {
    const { port, bodies } = await serving(() => 200);
    const [paused, active] = [{ ...service(port), state: 'paused' } as const, { ...service(port), group: 'other' }];
    const site = await started(['p', paused], ['q', active]);
    const lamp = await site.stage.connect('lamp');
    const waiting = (): number => site.local.lanes.find(({ lane }) => lane === 'routes/p')?.count ?? 0;
    for (const body of ['1', '2']) await lamp.publishAsync('t/1', body, { qos: 1 });
    await until(
      () => bodies.length >= 2 && site.local.lanes.some(({ lane, count }) => lane === 'routes/q' && count === 0),
    );
    expect([waiting(), bodies]).toEqual([2, ['1', '2']]);
    site.desired.want([wantedRoute('p', service(port))]);
    await until(() => bodies.length === 4 && waiting() === 0);
    site.desired.want([wantedRoute('p', paused)]);
    await lamp.publishAsync('t/1', '3', { qos: 1 });
    site.desired.want([]);
    await until(() => waiting() === 0);
    expect(site.local.drops).toMatchObject([{ lane: 'routes/p', reason: 'budget', count: 1 }]);
    expect(bodies).toEqual(['1', '2', '1', '2']);
  });

  it('hand over to the hub what they took for a target that was here', async () => {
    const site = await started(['r', { ...service(1), state: 'paused' }]);
    const lamp = await site.stage.connect('lamp');
    await lamp.publishAsync('t/1', '1', { qos: 1 });
    site.desired.want([wantedRoute('r')]);
    await until(async () => (await site.toHub()).length === 1);
    expect(await site.toHub()).toEqual(['routes/r t/1 1']);
  });
});
