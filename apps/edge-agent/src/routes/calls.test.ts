import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deadAnswer, deliverAnswer, requestHead } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { connect } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heard } from '../broker/test-stage.js';
import { wantedRoute } from './test-route.js';
import { TestSite } from './test-site.js';

const HEAD_END = 0x0a;

describe('what the hub asks of the routes of a node', () => {
  let site: TestSite;
  const servers: Server[] = [];
  beforeEach(async () => {
    site = new TestSite();
    await site.start();
  });
  afterEach(async () => {
    await site.stop();
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  describe('to publish', () => {
    const item = (seq: number, text: string, more: object = {}) => {
      return { seq, topic: 't/x', payload: Buffer.from(text), qos: 1, retain: false, ...more };
    };
    const deliver = async (...items: object[]): Promise<unknown[]> => {
      const answer = await site.call('route.deliver', { epoch: 'e', lane: 'routes/r/n1', items });
      return deliverAnswer.parse(JSON.parse(answer.toString())).outcomes.map(({ is }) => is);
    };

    it('is said once to each client, also to one that is away, however often it is asked', async () => {
      const reader = await site.stage.connect('reader', { clientId: 'a', clean: false });
      await reader.subscribeAsync('t/#', { qos: 1 });
      await reader.endAsync();
      expect(await deliver(item(1, 'one'), item(4, 'two'))).toEqual(['delivered', 'delivered']);
      expect(await deliver(item(4, 'two'), item(5, 'three'), item(6, '!', { topic: '#' }))).toEqual([
        'delivered',
        'delivered',
        'rejected',
      ]);
      const at = { host: '127.0.0.1', port: site.stage.port, protocolVersion: 4 } as const;
      const again = connect({ ...at, username: 'reader', password: 'x', clientId: 'a', clean: false });
      const all = heard(again);
      await until(() => all.length === 3);
      await again.endAsync(true);
      expect(all).toEqual(['t/x=one q1', 't/x=two q1', 't/x=three q1']);
    });

    it('is taken by routes of the node, but by none that it went through', async () => {
      site.desired.want([wantedRoute('a', { group: 'a' }), wantedRoute('b', { group: 'b' })]);
      await deliver(item(1, 'one', { hops: ['a'], device: 'lamp' }));
      expect(await site.toHub()).toEqual(['routes/b t/x one']);
    });
  });

  describe('to call a service', () => {
    const serving = async (answer: RequestListener): Promise<number> => {
      const server = createServer(answer);
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      site.desired.want([], [port]);
      return port;
    };
    const ask = async (port: number, more: object = {}, signal?: AbortSignal) => {
      const call = { port, method: 'GET', path: '/', headers: [], body: Buffer.alloc(0), timeoutMs: 5_000, ...more };
      const answer = await site.call('route.request', call, signal);
      const end = answer.indexOf(HEAD_END);
      return { ...requestHead.parse(JSON.parse(answer.subarray(0, end).toString())), body: answer.subarray(end + 1) };
    };

    it('passes method, path, headers, status and body through truly, without what is about the connection', async () => {
      const asked: unknown[] = [];
      const port = await serving((request, response) => {
        const { method, url, rawHeaders } = request;
        asked.push({ method, url, rawHeaders });
        response.writeHead(418, 'teapot', [
          ...['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-own', 'yes'],
          ...['connection', 'close, x-hop', 'x-hop', '1'],
        ]);
        request.pipe(response);
      });
      const headers = [
        ['Content-Type', 'text/plain'],
        ['X-Twice', '1'],
        ['X-Twice', '2'],
        ['Host', 'hub.example'],
        ['Connection', 'keep-alive, X-Gone'],
        ['X-Gone', '1'],
        ['Transfer-Encoding', 'chunked'],
      ];
      const body = Buffer.from([0, 10, 255, 13]);
      const answer = await ask(port, { method: 'PUT', path: '/a%20b/?x=1&y', headers, body });
      expect(asked).toEqual([
        {
          ...{ method: 'PUT', url: '/a%20b/?x=1&y' },
          rawHeaders: [
            ...['host', `127.0.0.1:${port}`, 'content-length', '4', 'Content-Type', 'text/plain'],
            ...['X-Twice', '1', 'X-Twice', '2', 'Connection', 'close'],
          ],
        },
      ]);
      expect(answer).toMatchObject({ status: 418, body });
      const names = answer.headers.map(([name, value]) => `${name}: ${value}`);
      expect(names.filter((name) => !name.startsWith('Date'))).toEqual([
        'set-cookie: a=1',
        'set-cookie: b=2',
        'x-own: yes',
      ]);
    });

    it('follows no redirect, and asks once', async () => {
      let asks = 0;
      const port = await serving((_request, response) => {
        asks += 1;
        response.writeHead(302, { location: '/other' }).end();
      });
      expect(await ask(port)).toMatchObject({ status: 302 });
      expect(asks).toBe(1);
    });

    it('passes on a large body as there is room for it', async () => {
      const port = await serving((_request, response) => response.end(Buffer.alloc(3_000_000, 7)));
      expect((await ask(port)).body.equals(Buffer.alloc(3_000_000, 7))).toBe(true);
    });

    it('says what is wrong', async () => {
      const silent = await serving(() => undefined);
      await expect(ask(silent, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
      await expect(ask(silent + 1)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(ask(silent, { path: '/a b' })).rejects.toMatchObject({ code: 'bad_request' });
      const nobody = await freePort();
      site.desired.want([], [nobody]);
      const detail = `Nothing listens on port ${nobody} of this node.`;
      await expect(ask(nobody)).rejects.toMatchObject({ code: 'service_unreachable', detail });
      const broken = await serving((_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('begun', () => response.destroy());
      });
      await expect(ask(broken)).rejects.toMatchObject({ code: 'service_unreachable' });
      const resting = await serving((_request, response) => {
        response.writeHead(200).write('begun');
      });
      await expect(ask(resting, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
      const bare = await serving((_request, response) => {
        response.writeHead(200).flushHeaders();
      });
      await expect(ask(bare, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
      const flood = await serving((_request, response) => {
        response
          .writeHead(
            200,
            Array.from({ length: 402 }, (_, n) => (n % 2 === 0 ? `x-${n}` : '1')),
          )
          .end();
      });
      await expect(ask(flood)).rejects.toMatchObject({ code: 'service_unreachable' });
    });

    it('ends when nobody wants the answer any more', async () => {
      let gone = false;
      const port = await serving((request) => request.socket.once('close', () => (gone = true)));
      const controller = new AbortController();
      const answer = ask(port, {}, controller.signal);
      await until(
        async () =>
          (await new Promise<number>((done) =>
            servers[0]?.getConnections((_, n) => {
              done(n);
            }),
          )) > 0,
      );
      controller.abort();
      await expect(answer).rejects.toMatchObject({ code: 'call_cancelled' });
      await until(() => gone);
    });
  });

  describe('about dead letters', () => {
    const choose = async (what: string, seqs?: number[]): Promise<unknown> =>
      JSON.parse((await site.call(`route.${what}`, { uid: 'r', ...(seqs && { seqs }) })).toString());
    const list = async (more: object = {}) => {
      const answer = await site.call('route.dead', { uid: 'r', limit: 100, ...more });
      return deadAnswer.parse(JSON.parse(answer.toString())).letters;
    };
    const texts = async (more?: object): Promise<string[]> =>
      (await list(more)).map(({ payload }) => Buffer.from(payload, 'base64').toString());

    /** Three in each outbox, one of them another route's. */
    beforeEach(async () => {
      const target = { kind: 'edge', topic: '{no}', qos: 1, retain: false } as const;
      site.desired.want([wantedRoute('r', { target }), wantedRoute('other', { target, group: 'other', topic: 't/0' })]);
      const lamp = await site.stage.connect('lamp');
      for (const n of [0, 1]) await lamp.publishAsync(`t/${n}`, `local ${n}`, { qos: 1 });
      await until(() => [...site.local.deadLanes.values()].reduce((sum, one) => sum + one, 0) === 3);
      site.desired.want([wantedRoute('r'), wantedRoute('other', { group: 'other', topic: 't/0' })]);
      for (const n of [0, 1]) await lamp.publishAsync(`t/${n}`, `hub ${n}`, { qos: 1 });
      for (const { seq } of await site.hub.take({ messages: 9, bytes: 99_999 }))
        site.hub.bury(seq, { code: 'not_found', detail: 'No such route.' });
      await until(async () => (await site.hub.dead(0, 9)).length === 3 && (await site.local.dead(0, 9)).length === 3);
    });

    it('tells those of one route in both outboxes, page by page', async () => {
      const all = await texts();
      expect([...all].sort()).toEqual(['hub 0', 'hub 1', 'local 0', 'local 1']);
      const paged: string[] = [];
      for (let after = 0; ;) {
        const page = await list({ after, limit: 1 });
        paged.push(...page.map(({ payload }) => Buffer.from(payload, 'base64').toString()));
        if (page[0] === undefined) break;
        after = page[0].seq;
      }
      expect(paged).toEqual(all);
      expect((await list()).find(({ code }) => code === 'not_found')).toMatchObject({ topic: 't/0', size: 5 });
    });

    it('forgets those of a route that is no more', async () => {
      site.desired.want([wantedRoute('other', { group: 'other', topic: 't/0' })]);
      await until(async () => (await list()).length === 0);
      expect([...site.local.deadLanes, ...site.hub.deadLanes]).toEqual([
        ['routes/other', 1],
        ['routes/other', 1],
      ]);
    });

    it('sends them again or throws them away: those that are chosen, or all of the route', async () => {
      const [first, second] = await list();
      expect(await choose('discard', [first?.seq ?? 0, 999_999])).toEqual({ count: 1 });
      expect(await choose('revive', [second?.seq ?? 0])).toEqual({ count: 1 });
      expect(await texts()).toHaveLength(2);
      expect(await choose('revive')).toEqual({ count: 2 });
      expect(await list()).toEqual([]);
      await until(async () => (await site.toHub()).length === 3);
      expect([...site.local.deadLanes.keys(), ...site.hub.deadLanes.keys()].sort()).toEqual([
        'routes/other',
        'routes/other',
      ]);
    });
  });
});
