import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Away } from '@selvage/outbox';
import { until } from '@selvage/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Reach } from './reach.js';
import type { Target } from './kind.js';
import {
  deliver,
  outgoing,
  refusal,
  test,
  type TestCertificates,
  testCertificates,
  open as openKind,
} from './test-target.js';
import { webhook } from './webhook.js';

const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes or so!').toString('base64')}`;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = (response: ServerResponse, asked: Asked) => void;
const say =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(status, headers);
    response.end(body);
  };

describe('a webhook', () => {
  let certificates: TestCertificates;
  let servers: { plain: Server; secure: ReturnType<typeof createSecureServer> };
  let asked: Asked[] = [];
  let answer: Answer = say(200);
  const opened: Target[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
    asked.push(one);
    answer(response, one);
  };
  const url = (path = '/hook'): string => `http://127.0.0.1:${(servers.plain.address() as AddressInfo).port}${path}`;
  const open = (spec: object = {}, more: Parameters<typeof openKind>[2] = {}): Target => {
    const target = openKind(webhook, { url: url(), timeoutSeconds: 5, ...spec }, more);
    opened.push(target);
    return target;
  };

  beforeAll(async () => {
    certificates = await testCertificates(['localhost', '127.0.0.1']);
    const plain = createServer((request, response) => void serve(request, response));
    const secure = createSecureServer(certificates.server, (request, response) => void serve(request, response));
    servers = { plain, secure };
    for (const server of [plain, secure])
      await new Promise<void>((resolve) =>
        server.listen(0, '127.0.0.1', () => {
          resolve();
        }),
      );
  });
  beforeEach(() => {
    asked = [];
    answer = say(200);
  });
  afterEach(() => Promise.all(opened.splice(0).map((target) => target.close())));
  afterAll(() => {
    for (const server of [servers.plain, servers.secure]) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('carries payload, headers, path and a signature that Standard Webhooks verifies', async () => {
    const target = open(
      { url: url('/base/?token=1'), headers: { 'x-own': 'yes', 'selvage-topic': 'forged' } },
      { credentials: { signing: SECRET, authorization: 'Bearer abc' } },
    );
    const message = {
      topic: 'a/ü b',
      contentType: 'application/json',
      traceparent: '00-1-2-01',
      payload: Buffer.from('{"v":1}'),
    };
    expect(await deliver(target, outgoing(7, { path: '/to/d 1?x', message }))).toEqual([{ is: 'delivered' }]);
    const [{ method, path, headers, body } = { headers: {} } as Asked] = asked;
    expect([method, path, body]).toEqual(['POST', '/base/to/d%201%3Fx?token=1', '{"v":1}']);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '7',
      'webhook-id': 'm-7',
      'selvage-topic': 'a/%C3%BC%20b',
      'selvage-node': 'n1',
      'selvage-device': 'd1',
      'selvage-time': '2030-01-01T12:00:00.000Z',
      traceparent: '00-1-2-01',
      authorization: 'Bearer abc',
      'x-own': 'yes',
    });
    expect(Math.abs(Number(headers['webhook-timestamp']) * 1000 - Date.now())).toBeLessThan(60_000);
    const signed = `m-7.${String(headers['webhook-timestamp'])}.{"v":1}`;
    const key = Buffer.from(SECRET.slice(6), 'base64');
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  });

  it('comes without signature and authorization when its secret has none', async () => {
    await deliver(open(), outgoing(1, { message: { device: undefined, node: undefined } }));
    const names = Object.keys(asked[0]?.headers ?? {});
    expect(names.filter((name) => /signature|authorization|selvage-(node|device)|traceparent/.test(name))).toEqual([]);
  });

  it('goes over TLS to whom its certificates say, and to nobody else', async () => {
    const secureUrl = `https://localhost:${(servers.secure.address() as AddressInfo).port}/`;
    expect(await deliver(open({ url: secureUrl, ca: certificates.ca }), outgoing(1))).toEqual([{ is: 'delivered' }]);
    await expect(deliver(open({ url: secureUrl }), outgoing(2))).rejects.toThrow(/certificate/);
    const others = await testCertificates(['localhost']);
    await expect(deliver(open({ url: secureUrl, ca: others.ca }), outgoing(3))).rejects.toThrow(/certificate/);
    expect(asked).toHaveLength(1);
  });

  it.each([200, 201, 202, 204, 299])('that answers %d has the message', async (status) => {
    answer = say(status);
    expect(await deliver(open(), outgoing(1))).toEqual([{ is: 'delivered' }]);
  });

  it.each([400, 405, 409, 413, 415, 422])('that answers %d never gets this message again', async (status) => {
    answer = say(status, 'no good');
    const [outcome] = await deliver(open(), outgoing(1));
    expect(outcome).toMatchObject({ is: 'rejected', code: 'endpoint_failed' });
    expect(outcome).toHaveProperty('detail', expect.stringMatching(new RegExp(`answered ${status}: no good$`)));
  });

  it.each([500, 501, 505])('that answers %d gets this message again, with its own count of tries', async (status) => {
    answer = say(status, 'broken');
    expect(await deliver(open(), outgoing(1))).toMatchObject([{ is: 'failed', code: 'endpoint_failed' }]);
  });

  it.each([401, 403, 404, 408, 429, 502, 503, 504])(
    'that answers %d is away, and no message is to blame',
    async (status) => {
      answer = say(status, 'not now');
      const away = await refusal(deliver(open(), outgoing(1), outgoing(2)));
      expect(away).toBeInstanceOf(Away);
      expect(away).toHaveProperty('message', expect.stringMatching(new RegExp(`answered ${status}: not now`)));
    },
  );

  it.each([
    ['seconds', () => '120', 120_000],
    ['a date', () => new Date(Date.now() + 120_500).toUTCString(), 120_000],
    ['a time beyond reason', () => '999999999', 3_600_000],
    ['the past', () => new Date(0).toUTCString(), 0],
    ['nonsense', () => 'soon', 0],
  ])('is left alone as long as it asks for: %s', async (_what, header, ms) => {
    answer = say(429, '', { 'retry-after': header() });
    const away = await refusal(deliver(open(), outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(Math.abs((away as Away).retryAfterMs - ms)).toBeLessThan(2000);
  });

  it.each([301, 302, 307, 308])('is not followed elsewhere by %d, and the place is named', async (status) => {
    answer = (response, { path }) => {
      if (path === '/hook') say(status, '', { location: url('/elsewhere') })(response);
      else say(200)(response);
    };
    const away = await refusal(deliver(open(), outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(/elsewhere; redirects are not followed/));
    expect(asked).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['says nothing', () => undefined],
    ['sends half a head', (response) => response.socket?.write('HTTP/1.1 200 OK\r\nx: ')],
    ['never ends its answer', (response) => response.writeHead(200, { 'content-length': '100' }).write('x')],
  ])('that %s is given up after its time', async (_what, slow) => {
    answer = slow;
    await expect(deliver(open({ timeoutSeconds: 1 }), outgoing(1))).rejects.toThrow(/127.0.0.1/);
  });

  it.each<[string, Answer]>([
    ['without a word', (response) => response.socket?.destroy()],
    ['in its head', (response) => response.socket?.end('HTTP/1.1 200 O')],
    [
      'in its answer',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('x', () => response.socket?.destroy());
      },
    ],
    ['with something that is not HTTP', (response) => response.socket?.end('220 smtp ready\r\n\r\n')],
    [
      'with a flood of headers',
      (response) => response.socket?.end(`HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(20_000)}\r\n`),
    ],
  ])('that breaks off %s does not have the message', async (_what, broken) => {
    answer = broken;
    await expect(deliver(open(), outgoing(1))).rejects.toThrow(/127.0.0.1/);
  });

  it('may answer without end: its status counts, the rest is not read', async () => {
    answer = (response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect(await deliver(open(), outgoing(1))).toEqual([{ is: 'delivered' }]);
  });

  it('is asked over one connection again and again, and once more when that was closed behind its back', async () => {
    const ports = new Set<number | undefined>();
    answer = (response) => {
      ports.add(response.socket?.remotePort);
      response.shouldKeepAlive = true;
      say(200)(response);
    };
    const target = open();
    for (const seq of [1, 2, 3]) await deliver(target, outgoing(seq));
    expect(ports.size).toBe(1);
    let rude = 1;
    answer = (response) => {
      if (rude-- > 0) response.socket?.destroy();
      else say(200)(response);
    };
    expect(await deliver(target, outgoing(4))).toEqual([{ is: 'delivered' }]);
    expect(asked).toHaveLength(5);
  });

  it.each([
    ['climbs out of the path of its URL', '/../admin'],
    ['climbs out behind a tab', '/.\t./admin'],
    ['climbs out in disguise', '/%2e%2E/admin'],
    ['climbs out with backslashes', '/..\\admin'],
    ['names the same place again', '/a/./b'],
  ])('is not asked when a message %s', async (_what, path) => {
    expect(await deliver(open({ url: url('/base') }), outgoing(1, { path }))).toMatchObject([{ is: 'rejected' }]);
    expect(asked).toEqual([]);
  });

  it('gets messages that have what no header can hold', async () => {
    const message = { topic: 'a\r\nx: y/\ud800', device: 'd\n1', contentType: 'a\r\nb: c' };
    expect(await deliver(open(), outgoing(1, { message }))).toEqual([{ is: 'delivered' }]);
    expect(asked[0]?.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'selvage-device': 'd%0A1' });
    expect(asked[0]?.headers).not.toHaveProperty('x');
  });

  it('gets the messages of one key in their order, those of others meanwhile, and none after one that failed', async () => {
    const held: (() => void)[] = [];
    answer = (response, { body }) => {
      if (body === 'payload 1')
        held.push(() => {
          say(500)(response);
        });
      else say(200)(response);
    };
    const batch = [
      outgoing(1, { key: 'a' }),
      outgoing(2, { key: 'b' }),
      outgoing(3, { key: 'a' }),
      outgoing(4, { key: 'b' }),
    ];
    const delivering = deliver(open(), ...batch);
    await until(() => asked.length === 3 && held.length === 1);
    held[0]?.();
    expect((await delivering).map(({ is }) => is)).toEqual(['failed', 'delivered', 'waits', 'delivered']);
    const bodies = asked.map(({ body }) => body);
    expect(bodies).not.toContain('payload 3');
    expect(bodies.indexOf('payload 2')).toBeLessThan(bodies.indexOf('payload 4'));
  });

  it('gets many keys side by side without a warning in the log', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    const batch = Array.from({ length: 100 }, (_, seq) => outgoing(seq, { key: `k${seq}` }));
    expect(await deliver(open(), ...batch)).toEqual(batch.map(() => ({ is: 'delivered' })));
    await new Promise(setImmediate);
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('stops soon when nobody waits for it any more', async () => {
    answer = () => undefined;
    const stopping = new AbortController();
    const delivering = open().deliver([outgoing(1)], stopping.signal);
    await until(() => asked.length === 1);
    stopping.abort();
    await expect(delivering).rejects.toThrow();
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:9/'],
    ['loopback of IPv6', 'http://[::1]:9/'],
    ['loopback in other words', 'http://2130706433:9/'],
    ['IPv4 inside IPv6', 'http://[::ffff:127.0.0.1]:9/'],
    ['IPv4 behind a translator', 'http://[64:ff9b::7f00:1]:9/'],
    ['metadata', 'http://169.254.169.254/latest'],
    ['metadata behind a translator', 'http://[64:ff9b::a9fe:a9fe]/latest'],
    ['metadata of IPv6', 'http://[fd00:ec2::254]/'],
    ['all addresses', 'http://0.0.0.0:9/'],
    ['a name that stands for loopback', 'http://localhost:9/'],
  ])('is not sent to %s unless that is allowed', async (_what, closed) => {
    const target = open({ url: closed }, { reach: new Reach([]) });
    const away = await refusal(deliver(target, outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(/SELVAGE_ALLOWED_TARGETS/));
  });

  it('is not sent where its name turns to later', async () => {
    const names = ['127.0.0.1', '169.254.169.254'];
    const reach = new Reach(['127.0.0.0/8'], (_name, _options, callback) => {
      callback(null, [{ address: names.shift() ?? '', family: 4 }]);
    });
    const target = open({ url: url().replace('127.0.0.1', 'rebound.example') }, { reach });
    answer = say(200, '', { connection: 'close' });
    expect(await deliver(target, outgoing(1))).toEqual([{ is: 'delivered' }]);
    await expect(deliver(target, outgoing(2))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
    expect(asked).toHaveLength(1);
  });

  it('is not sent to a name of which one address is closed', async () => {
    const reach = new Reach(['127.0.0.0/8'], (_name, _options, callback) => {
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: 'fe80::1', family: 6 },
      ]);
    });
    const target = open({ url: url().replace('127.0.0.1', 'two.example') }, { reach });
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
  });

  it('says in a test whether it can be reached, without a message', async () => {
    await expect(test(open())).resolves.toBeUndefined();
    answer = say(405);
    await expect(test(open())).resolves.toBeUndefined();
    expect(asked.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
    answer = say(401);
    await expect(test(open())).rejects.toMatchObject({ detail: expect.stringMatching(/answered 401/) as string });
    answer = say(503);
    await expect(test(open())).rejects.toMatchObject({ detail: expect.stringMatching(/answered 503/) as string });
  });

  it('is asked in a test with the credentials that it will get', async () => {
    await test(open({ headers: { 'x-own': 'yes' } }, { credentials: { authorization: 'Bearer abc' } }));
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer abc', 'x-own': 'yes' });
  });

  it('has no topic', () => {
    const spec = { kind: 'webhook', url: 'https://a.example', headers: {}, timeoutSeconds: 30 } as const;
    expect(webhook.problem?.(spec, { endpoint: 'w', topic: 't' })).toMatch(/no topic/);
    expect(webhook.problem?.(spec, { endpoint: 'w', path: '/t' })).toBeUndefined();
  });
});
