import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Away } from '@selvage/outbox';
import { type PortServer, startNats, until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import type { Outgoing, Target } from './kind.js';
import { nats } from './nats.js';
import { Reach } from './reach.js';
import { deliver, open as openKind, outgoing, refusal, test, testCertificates } from './test-target.js';

const USER = { username: 'selvage', password: 'right' };

describe('NATS', () => {
  const opened: Target[] = [];
  const servers: PortServer[] = [];
  const open = (spec: object, more: Parameters<typeof openKind>[2] = {}): Target => {
    const target = openKind(nats, { tls: false, subject: 'in.all', ...spec }, more);
    opened.push(target);
    return target;
  };
  const start = async (options: Parameters<typeof startNats>[0] = {}): Promise<PortServer> => {
    const server = await startNats(options);
    servers.push(server);
    return server;
  };
  const at = ({ port }: { port: number }): { servers: string[] } => ({ servers: [`127.0.0.1:${port}`] });
  const to = (topic: string, seq: number, more: Partial<Outgoing> = {}): Outgoing => outgoing(seq, { topic, ...more });
  const within = async <T>(
    server: PortServer,
    work: (connection: NatsConnection) => Promise<T>,
    more = {},
  ): Promise<T> => {
    const connection = await connect({ servers: `127.0.0.1:${server.port}`, ...more });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  const makeStream = (server: PortServer, config: object = {}, more = {}): Promise<unknown> =>
    within(
      server,
      async (one) => (await jetstreamManager(one)).streams.add({ name: 'IN', subjects: ['in.>'], ...config }),
      more,
    );
  const stored = (server: PortServer, more = {}): Promise<string[]> =>
    within(
      server,
      async (one) => {
        const { streams } = await jetstreamManager(one);
        const { state } = await streams.info('IN');
        const all = Array.from({ length: state.messages }, (_, index) => streams.getMessage('IN', { seq: index + 1 }));
        return (await Promise.all(all)).map((message) => `${message?.subject ?? ''} ${message?.string() ?? ''}`);
      },
      more,
    );

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((target) => target.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('has each message once, with what it is about, when a stream has stored it', async () => {
    const server = await start();
    await makeStream(server);
    const target = open(at(server));
    const message = { topic: 'a/ü b', traceparent: '00-1-2-01', contentType: 'text/plain' };
    expect(await deliver(target, outgoing(1, { message }), to('in.d1.ü', 2))).toEqual([
      { is: 'delivered' },
      { is: 'delivered' },
    ]);
    expect(await deliver(target, outgoing(1, { message }))).toEqual([{ is: 'delivered' }]);
    expect((await stored(server)).sort()).toEqual(['in.all payload 1', 'in.d1.ü payload 2']);
    const headers = await within(server, async (one) => {
      const found = await (await jetstreamManager(one)).streams.getMessage('IN', { last_by_subj: 'in.all' });
      return Object.fromEntries((found?.header.keys() ?? []).map((key) => [key, found?.header.get(key)]));
    });
    expect(headers).toEqual({
      'content-type': 'text/plain',
      'Nats-Msg-Id': 'm-1',
      'selvage-topic': 'a/%C3%BC%20b',
      'selvage-node': 'n1',
      'selvage-device': 'd1',
      'selvage-time': '2030-01-01T12:00:00.000Z',
      traceparent: '00-1-2-01',
    });
  });

  it('has the messages of one key in their order', async () => {
    const server = await start();
    await makeStream(server);
    const batch = Array.from({ length: 300 }, (_, seq) => to('in.k', seq, { key: 'a' }));
    await deliver(open(at(server)), ...batch);
    expect(await stored(server)).toEqual(batch.map(({ seq }) => `in.k payload ${seq}`));
  });

  it.each([
    ['a password', { user: USER }, USER, { ...USER, password: 'wrong' }],
    ['a token', { token: 'right' }, { token: 'right' }, { token: 'wrong' }],
  ])('that asks for %s refuses others in its own words', async (_what, options, right, wrong) => {
    const server = await start(options);
    const refused = open(at(server), { credentials: wrong });
    await expect(test(refused)).rejects.toMatchObject({
      code: 'endpoint_failed',
      detail: expect.stringMatching(/^127\.0\.0\.1:\d+: Authorization Violation$/i) as string,
    });
    const away = await refusal(deliver(refused, outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(/Authorization Violation/i));
    await expect(test(open(at(server), { credentials: right }))).resolves.toBeUndefined();
  });

  it('is reached over TLS, and only with a certificate that is trusted', async () => {
    const { server: own, ca } = await testCertificates(['localhost', '127.0.0.1']);
    const server = await start({ tls: own });
    await makeStream(server, {}, { tls: { ca }, servers: `localhost:${server.port}` });
    for (const host of ['localhost', '127.0.0.1'])
      expect(await deliver(open({ servers: [`${host}:${server.port}`], tls: true, ca }), outgoing(1))).toEqual([
        { is: 'delivered' },
      ]);
    await expect(deliver(open({ ...at(server), tls: true }), outgoing(2))).rejects.toThrow(/certificate/);
    const elsewhere = new Reach(['127.0.0.0/8'], (_name, _options, callback) => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    });
    const renamed = open({ servers: [`other.example:${server.port}`], tls: true, ca }, { reach: elsewhere });
    await expect(deliver(renamed, outgoing(2))).rejects.toThrow(/altnames/);
  });

  it('without TLS gets nothing from an endpoint that asks for it, its password least of all', async () => {
    const server = await start({ user: USER });
    await expect(test(open({ ...at(server), tls: true }, { credentials: USER }))).rejects.toMatchObject({
      detail: expect.stringMatching(/tls/i) as string,
    });
  });

  it('in which no stream takes the subject is away, unless each message has its own', async () => {
    const server = await start();
    await makeStream(server);
    const target = open({ ...at(server), subject: 'out' });
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/No stream of JetStream takes the subject "out"/);
    const own = { target: { endpoint: 'n', topic: '{1}.{device}' } };
    expect(await deliver(target, to('out.d', 1, own), to('in.d', 2, own))).toMatchObject([
      { is: 'failed' },
      { is: 'delivered' },
    ]);
  });

  it('whose stream is full gets the messages later', async () => {
    const server = await start();
    await makeStream(server, { max_msgs: 1, discard: 'new' });
    const target = open(at(server));
    expect(await deliver(target, to('in.a', 1, { key: 'a' }), to('in.a', 2, { key: 'a' }))).toEqual([
      { is: 'delivered' },
      { is: 'waits' },
    ]);
    await expect(deliver(target, to('in.a', 2))).rejects.toThrow(/maximum messages/);
  });

  it('gives up messages that are larger than the server or the stream takes', async () => {
    const server = await start({ maxPayload: 4096 });
    await makeStream(server, { max_msg_size: 1000 });
    const sized = (seq: number, bytes: number): Outgoing =>
      outgoing(seq, { message: { payload: Buffer.alloc(bytes) } });
    const outcomes = await deliver(open(at(server)), sized(1, 10_000), sized(2, 3900), sized(3, 2000), sized(4, 10));
    expect(outcomes.map(({ is }) => is)).toEqual(['rejected', 'rejected', 'rejected', 'delivered']);
  });

  it.each(['in.*', 'in.>', 'a b', '', 'a..b', '.a', 'a.', 'a\u0000', '$JS.API.STREAM.DELETE.IN', '$SYS.REQ'])(
    'is not sent to "%s", which no message may say',
    async (subject) => {
      const server = await start();
      expect(await deliver(open(at(server)), to(subject, 1))).toMatchObject([{ is: 'rejected' }]);
    },
  );

  it('to which we may not send says so', async () => {
    const server = await start({ user: { ...USER, maySend: 'in.>' } });
    await makeStream(server, { subjects: ['in.>', 'out.>'] }, { user: USER.username, pass: USER.password });
    const target = open(at(server), { credentials: USER });
    expect(await deliver(target, to('in.a', 1))).toEqual([{ is: 'delivered' }]);
    await expect(deliver(target, to('out.a', 2))).rejects.toThrow(/permission/i);
  });

  it('that goes and comes again has everything that was delivered', async () => {
    const server = await start();
    await makeStream(server, { storage: 'file' });
    const target = open(at(server));
    await deliver(target, outgoing(1));
    await server.down();
    await expect(deliver(target, outgoing(2))).rejects.toBeInstanceOf(Away);
    await expect(deliver(target, outgoing(2))).rejects.toThrow(/refused/);
    await server.up();
    expect(await deliver(target, outgoing(2))).toEqual([{ is: 'delivered' }]);
    expect(await stored(server)).toEqual(['in.all payload 1', 'in.all payload 2']);
  });

  it('is asked at its next server when one is gone', async () => {
    const [gone, there] = [await start(), await start()];
    await makeStream(there);
    await gone.down();
    const both = { servers: [`127.0.0.1:${gone.port}`, `127.0.0.1:${there.port}`] };
    expect(await deliver(open(both), outgoing(1))).toEqual([{ is: 'delivered' }]);
  });

  it('is closed soon, also while it is being connected to', async () => {
    let sockets = 0;
    const silent = createServer((socket) => {
      sockets += 1;
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const target = open({ servers: [`127.0.0.1:${(silent.address() as AddressInfo).port}`] });
    const away = refusal(deliver(target, outgoing(1)));
    await until(() => sockets === 1);
    await target.close();
    expect(await away).toBeInstanceOf(Away);
    silent.close();
  });

  it('is not looked for on the own machine unless that is allowed', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433'])
      await expect(deliver(open({ servers: [`${host}:9`] }, { reach: new Reach([]) }), outgoing(1))).rejects.toThrow(
        /SELVAGE_ALLOWED_TARGETS/,
      );
  });

  it('has subjects, no paths', () => {
    const spec = { kind: 'nats' as const, servers: ['a.example:4222'], tls: true };
    expect(nats.problem?.(spec, { endpoint: 'n' })).toMatch(/name the subject/);
    expect(nats.problem?.(spec, { endpoint: 'n', topic: 'a', path: '/t' })).toMatch(/no path/);
    expect(nats.problem?.({ ...spec, subject: 's' }, { endpoint: 'n' })).toBeUndefined();
  });
});
