import { createHmac, randomBytes } from 'node:crypto';
import { request as ask } from 'node:http';
import { connect } from 'node:net';
import { MAX_ROUTED_PAYLOAD, type RequestCall, requestCall, signedText, route as routeSchema } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { decodeRouted } from '@selvage/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';
import { type Answering, TestNode } from '../test-node.js';

const KEY = 'a key of sixteen or more';
describe.each(DIALECTS)('the gateway on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  let node: TestNode;
  const tokens: Record<string, string> = {};
  const seen: RequestCall[] = [];

  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
    node = await TestNode.join(hub, 'gate');
    await put('nodes/off', {});
    await hub.ask({ method: 'PUT', path: '/api/v1/projects/other', body: {} });
    for (const [name, role, projects] of [
      ['viewer', 'viewer', undefined],
      ['operator', 'operator', ['default']],
      ['stranger', 'admin', ['other']],
    ] as const)
      tokens[name] = await hub.makeToken({ name, role, projects });
    await put('secrets/signer', { type: 'data', properties: { gateway: KEY } });
    for (const [name, properties] of Object.entries({ short: { gateway: 'short' }, else: { password: KEY } }))
      await put(`secrets/${name}`, { type: 'data', properties });
    await put('endpoints/shop', { kind: 'service', port: 8080, timeoutSeconds: 1 });
    await route('shop', '/shop/{node}/{rest...}', { endpoint: 'shop', node: '{node}' }, { methods: METHODS });
    await route('orders', '/orders/{id}', { endpoint: 'shop', node: 'gate', path: '/v1/orders?id={id}' });
    await route('fixed', '/fixed', { endpoint: 'shop', node: 'gate' }, { methods: ['GET', 'POST'] });
    await route('down', '/down/{node}', { endpoint: 'edge', node: '{node}', topic: 'user/{node}' });
    await route('kept', '/kept/{id}', { endpoint: 'live' }, { state: 'paused' });
    await route('most', '/kept/special', { endpoint: 'live' }, { state: 'paused' });
    await route('picky', '/picky', { endpoint: 'live' }, { filter: 'payload.n > 5', state: 'paused' });
    await route('full', '/full', { endpoint: 'live' }, FULL);
  }, 60_000);
  afterAll(async () => {
    await node.leave();
    await hub.stop();
  });
  beforeEach(() => {
    seen.length = 0;
    answers(200, [], 'well');
  });
  const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
  const FULL = { state: 'paused', budget: { bytes: 65_536, whenFull: 'refuse' } };

  async function put(path: string, spec: object): Promise<void> {
    const answer = await hub.ask({ method: 'PUT', path: `/api/v1/projects/default/${path}`, body: { spec } });
    expect(answer).toMatchObject({ status: 200 });
  }
  function route(name: string, path: string, target: object, { methods, ...more }: Record<string, unknown> = {}) {
    const source = { endpoint: 'rest', path, ...(methods !== undefined && { methods }) };
    return put(`routes/${name}`, { source, target, ...more });
  }
  function answers(status: number, headers: [string, string][], ...chunks: (string | Uint8Array)[]): void {
    answering((_params, call) => {
      call.data(`${JSON.stringify({ status, headers })}\n`);
      for (const chunk of chunks) call.data(chunk);
      call.end();
    });
  }
  function answering(answer: Answering): void {
    node.answering = (params, call) => {
      seen.push(requestCall.parse(params));
      answer(params, call);
    };
  }
  function send(method: string, path: string, init: RequestInit = {}, token = hub.admin): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== '' && !headers.has('selvage-key')) headers.set('authorization', `Bearer ${token}`);
    return fetch(`${hub.url}/gateway/default${path}`, { ...init, method, headers });
  }
  async function codeOf(answer: Response): Promise<[number, string | undefined]> {
    return [answer.status, ((await answer.json()) as { code?: string }).code];
  }
  async function stored(lane: string) {
    const found = await hub.query(
      `SELECT body FROM route_messages JOIN routes ON lane LIKE 'own/' || routes.uid || '%' WHERE routes.name = '${lane}' ORDER BY seq`,
    );
    return (found as { body: Uint8Array }[]).map(({ body }) => decodeRouted(body));
  }

  describe('asks a service', () => {
    it('once, with method, path, query, headers and body, and gives back what it says', async () => {
      answers(
        201,
        [
          ['X-Made', 'yes'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['Connection', 'x-hop'],
          ['x-hop', '1'],
        ],
        Buffer.of(0, 255),
        Buffer.of(1),
      );
      const body = randomBytes(2000);
      const headers = { 'content-type': 'application/x-odd', 'x-own': 'ü'.normalize('NFC'), connection: 'close' };
      const answer = await send('PUT', '/shop/gate/a%2Fb/c%20d?x=1&y=%2f', { body, headers });
      expect([answer.status, answer.headers.get('x-made'), answer.headers.getSetCookie()]).toEqual([
        201,
        'yes',
        ['a=1', 'b=2'],
      ]);
      expect(answer.headers.get('x-hop')).toBeNull();
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.of(0, 255, 1));
      expect(seen).toMatchObject([{ port: 8080, method: 'PUT', path: '/a%2Fb/c%20d?x=1&y=%2f', timeoutMs: 1000 }]);
      const [call] = seen;
      expect(Buffer.from(call?.body ?? [])).toEqual(body);
      const told = Object.fromEntries(call?.headers ?? []);
      expect(told).toMatchObject({
        'content-type': 'application/x-odd',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
      });
      expect(told['x-forwarded-host']).toMatch(/^127\.0\.0\.1:/);
      expect(told.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      for (const gone of ['authorization', 'connection', 'host', 'content-length'])
        expect(told).not.toHaveProperty(gone);
    });

    it.each([204, 304, 404, 409, 418, 429, 500, 503])(
      'whose answer %i is that of the caller, without a second try',
      async (status) => {
        const body = status === 204 || status === 304 ? [] : ['its own words'];
        answers(status, [['content-type', 'text/odd']], ...body);
        const answer = await send('DELETE', '/shop/gate/x');
        expect([answer.status, await answer.text()]).toEqual([status, body.join('')]);
        expect(answer.headers.get('content-type')).toBe('text/odd');
        expect(seen).toHaveLength(1);
      },
    );

    it('at the path that its target names, or at that of the request', async () => {
      await send('POST', '/orders/7?full=1', { body: 'x' });
      await send('GET', '/fixed?a=b');
      await send('GET', '/shop/gate/');
      expect(seen.map(({ path }) => path)).toEqual(['/v1/orders?id=7&full=1', '/fixed?a=b', '/']);
    });

    it('with the trace that the request belongs to', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await send('GET', '/fixed', { headers: { traceparent } });
      await send('GET', '/fixed', { headers: { traceparent: 'nonsense' } });
      const traces = seen.map(({ headers }) => headers.filter(([name]) => name === 'traceparent').map(([, at]) => at));
      expect(traces[0]).toEqual([traceparent]);
      expect(traces[1]).toHaveLength(1);
      expect(traces[1]?.[0]).not.toBe('nonsense');
    });

    it('that is not there, offline, or late: 404, 503, 504', async () => {
      expect(await codeOf(await send('GET', '/shop/nobody/x'))).toEqual([404, 'not_found']);
      expect(await codeOf(await send('GET', '/shop/off/x'))).toEqual([503, 'node_offline']);
      answering(() => undefined);
      expect(await codeOf(await send('POST', '/shop/gate/x', { body: '{}' }))).toEqual([504, 'deadline_exceeded']);
      answering((_params, call) => {
        call.fail('service_unreachable', 'nobody listens');
      });
      expect(await codeOf(await send('POST', '/shop/gate/x', { body: '{}' }))).toEqual([502, 'service_unreachable']);
      expect(seen).toHaveLength(2);
    });

    it('and counts what it answered, and what it did not', async () => {
      const counted = async (): Promise<number[]> => {
        const { body } = await hub.ask({ method: 'GET', path: '/api/v1/projects/default/routes/shop' });
        const { stats } = routeSchema.parse(body).status;
        return [stats.taken, stats.forwarded, stats.failed];
      };
      const before = await counted();
      for (const node of ['gate', 'off', 'gate']) await send('GET', `/shop/${node}/x`);
      expect(await counted()).toEqual([3, 2, 1].map((more, index) => more + (before[index] ?? 0)));
    });

    it('whose answer breaks off, and cuts the caller off too', async () => {
      answering((_params, call) => {
        call.data('{"status":200,"headers":[]}\n').data('the first half').fail('internal', 'broken');
      });
      const answer = await send('GET', '/fixed');
      await expect(answer.text()).rejects.toThrow();
    });

    it('whose head is nonsense: 502', async () => {
      for (const head of [
        '{"status":101,"headers":[]}\n',
        '{"status":200,"headers":[["a b","c"]]}\n',
        '{"status":200,"headers":[["a","b\\nc"]]}\n',
      ]) {
        answering((_params, call) => {
          call.data(head).end();
        });
        expect(await codeOf(await send('GET', '/fixed'))).toEqual([502, 'endpoint_failed']);
      }
    });

    it('no more when the caller has gone', async () => {
      answering((_params, call) => void call.data('{"status":200,"headers":[]}\n').data('and then nothing'));
      const gone = new AbortController();
      const answer = await send('GET', '/fixed', { signal: gone.signal });
      expect(answer.status).toBe(200);
      gone.abort();
      await until(() => [...node.calls.values()].some((call) => call.cancelled));
    });
  });

  describe('stores', () => {
    it('what goes anywhere else, as it is, under the most exact path', async () => {
      const body = randomBytes(MAX_ROUTED_PAYLOAD);
      const answer = await send('POST', '/kept/7%20a', { body, headers: { 'content-type': 'x/y' } });
      expect(answer.status).toBe(202);
      const { id, kept } = (await answer.json()) as { id: string; kept: boolean };
      expect(kept).toBe(true);
      const [message] = await stored('kept');
      expect(message).toMatchObject({
        id,
        topic: '/kept/7%20a',
        contentType: 'x/y',
        vars: { id: '7%20a', project: 'default' },
      });
      expect(Buffer.from(message?.payload ?? [])).toEqual(body);
      await send('POST', '/kept/special', { body: 'x' });
      expect([await stored('kept'), await stored('most')].map((all) => all.length)).toEqual([1, 1]);
    });

    it('a request with an Idempotency-Key once', async () => {
      const again = (body: string, key = 'k 1') =>
        send('POST', '/kept/9', { body, headers: { 'idempotency-key': key } });
      const before = (await stored('kept')).length;
      const first = await Promise.all([again('a'), again('a'), again('a')]);
      const bodies = await Promise.all([...first, await again('a')].map((answer) => answer.json()));
      expect(new Set(bodies.map((one) => JSON.stringify(one))).size).toBe(1);
      expect(await codeOf(await again('b'))).toEqual([409, 'conflict']);
      await again('b', 'k 2');
      expect(await stored('kept')).toHaveLength(before + 2);
      expect(await codeOf(await again('b', 'k'.repeat(256)))).toEqual([400, 'bad_request']);
    });

    it('nothing that its filter leaves out, or cannot work on', async () => {
      const body = async (text: string): Promise<unknown> => (await send('POST', '/picky', { body: text })).json();
      expect(await body('{"n":9}')).toMatchObject({ kept: true });
      expect(await body('{"n":1}')).toMatchObject({ kept: false });
      expect(await codeOf(await send('POST', '/picky', { body: 'no json' }))).toEqual([400, 'bad_request']);
      expect(await stored('picky')).toHaveLength(1);
    });

    it('nothing beyond its budget: 503', async () => {
      expect((await send('POST', '/full', { body: Buffer.alloc(60_000) })).status).toBe(202);
      const answer = await send('POST', '/full', { body: Buffer.alloc(60_000) });
      expect([answer.headers.get('retry-after'), ...(await codeOf(answer))]).toEqual(['1', 503, 'overloaded']);
    });

    it('nothing for a node that is not there', async () => {
      expect((await send('POST', '/down/off', { body: 'x' })).status).toBe(202);
      expect(await codeOf(await send('POST', '/down/nobody', { body: 'x' }))).toEqual([404, 'not_found']);
      expect(await codeOf(await send('POST', '/down/a%2Fb', { body: 'x' }))).toEqual([404, 'not_found']);
    });

    it('nothing that is packed, since it goes on without its headers', async () => {
      const headers = { 'content-encoding': 'gzip' };
      expect(await codeOf(await send('POST', '/kept/1', { body: 'x', headers }))).toEqual([400, 'bad_request']);
    });
  });

  describe('refuses', () => {
    it('paths and methods that no route takes', async () => {
      for (const path of ['/none', '/fixed/', '/fixed/more', '/more/fixed', '/fixe', '/fixedd', '/'])
        expect(await codeOf(await send('GET', path))).toEqual([404, 'not_found']);
      const answer = await send('DELETE', '/fixed');
      expect([answer.headers.get('allow'), ...(await codeOf(answer))]).toEqual([
        'GET, POST',
        405,
        'method_not_allowed',
      ]);
      for (const method of ['HEAD', 'OPTIONS']) expect((await send(method, '/fixed')).status).toBe(405);
      expect(seen).toEqual([]);
    });

    it.each(['/shop/gate/../x', '/shop/gate/%2e%2E/x', '/shop/gate/.', `/shop/gate/?${'x'.repeat(5000)}`])(
      'the path %s',
      async (path) => {
        expect(await raw('GET', `/gateway/default${path}`)).toBe(400);
        expect(seen).toEqual([]);
      },
    );

    it('who has no token, or one of too low a role, or of another project', async () => {
      for (const [token, ...answer] of [
        ['', 401, 'unauthenticated'],
        ['nobody', 401, 'unauthenticated'],
        [tokens.viewer, 403, 'forbidden'],
        [tokens.stranger, 403, 'forbidden'],
      ] as const)
        expect(await codeOf(await send('GET', '/fixed', {}, token))).toEqual(answer);
      expect((await send('GET', '/fixed', {}, tokens.operator)).status).toBe(200);
      expect(seen).toHaveLength(1);
    });

    it('a project that is not there, and one that is written in another way', async () => {
      for (const project of ['none', 'def%61ult', 'DEFAULT', ''])
        expect(await raw('GET', `/gateway/${project}/fixed`)).toBe(404);
    });

    it('bodies that are too large, however they come', async () => {
      const large = Buffer.alloc(12_000_000);
      expect(await codeOf(await send('POST', '/kept/1', { body: large }))).toEqual([413, 'body_too_large']);
      const body = new ReadableStream<Uint8Array>({
        start(to) {
          for (let at = 0; at < 10; at += 1) to.enqueue(new Uint8Array(60_000));
          to.close();
        },
      });
      const init: RequestInit & { duplex: 'half' } = { body, duplex: 'half' };
      expect(await codeOf(await send('POST', '/kept/1', init))).toEqual([413, 'body_too_large']);
      expect(await raw('GET', '/gateway/default/fixed', {}, 'a body')).toBe(400);
    });

    it('a flood of headers', async () => {
      const many = Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x-${at}`, 'v']));
      expect(await codeOf(await send('GET', '/fixed', { headers: many }))).toEqual([400, 'bad_request']);
      expect(await raw('GET', '/gateway/default/fixed', { 'x-long': 'v'.repeat(100_000) })).toBe(431);
      expect(seen).toEqual([]);
    });

    it('a stranger before the body has come', async () => {
      const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
      socket.write('POST /gateway/default/kept/1 HTTP/1.1\r\nhost: h\r\ncontent-length: 500000\r\n\r\nslow');
      const head = await new Promise<string>((resolve) => {
        socket.once('data', (data) => {
          resolve(data.toString());
        });
      });
      socket.destroy();
      expect(head).toMatch(/^HTTP\/1.1 401 /);
    });
  });

  describe('knows requests that are signed', () => {
    const now = (): number => Math.floor(Date.now() / 1000);
    interface Sign {
      readonly name?: string;
      readonly key?: string;
      readonly at?: number;
      readonly signed?: string;
      readonly path?: string;
    }
    function signed(
      body: string,
      { name = 'signer', key = KEY, at = now(), signed = body, path = '/kept/3?a=b' }: Sign = {},
    ) {
      const target = '/gateway/default/kept/3?a=b';
      const text = signedText({ timestamp: String(at), method: 'POST', target }) + signed;
      const signature = `v1=${createHmac('sha256', key).update(text).digest('hex')}`;
      const headers = { 'selvage-key': name, 'selvage-timestamp': String(at), 'selvage-signature': signature };
      return send('POST', path, { body, headers });
    }

    it('with a key of the project', async () => {
      expect((await signed('a body')).status).toBe(202);
      expect((await signed('a body', { at: now() - 290 })).status).toBe(202);
    });

    it.each<[string, Sign]>([
      ['another key', { key: 'another key of sixteen' }],
      ['another body', { signed: 'another body' }],
      ['another path', { path: '/kept/4?a=b' }],
      ['another query', { path: '/kept/3?a=c' }],
      ['a secret that is not there', { name: 'none' }],
      ['a secret of something else', { name: 'else' }],
      ['a secret that is too short', { name: 'short', key: 'short' }],
      ['a time long ago', { at: 1_000_000 }],
      ['a time to come', { at: now() + 400 }],
    ])('and refuses %s', async (_what, sign) => {
      expect(await codeOf(await signed('a body', sign))).toEqual([401, 'unauthenticated']);
    });
  });

  function raw(method: string, path: string, more: Record<string, string> = {}, body?: string): Promise<number> {
    const headers = {
      authorization: `Bearer ${hub.admin}`,
      ...more,
      ...(body && { 'content-length': String(body.length) }),
    };
    return new Promise((resolve, reject) => {
      const { port } = new URL(hub.url);
      const asked = ask({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }
});
