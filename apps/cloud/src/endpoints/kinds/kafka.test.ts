import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { Away } from '@selvage/outbox';
import { type Kafka, startKafka, until } from '@selvage/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { kafka } from './kafka.js';
import type { Outgoing, Target } from './kind.js';
import { Reach } from './reach.js';
import { deliver, open as openKind, outgoing, refusal, test, testCertificates } from './test-target.js';

describe('Kafka', () => {
  const opened: Target[] = [];
  const clusters: Kafka[] = [];
  const servers: Server[] = [];
  const open = (spec: object, more: Parameters<typeof openKind>[2] = {}): Target => {
    const target = openKind(kafka, { tls: false, topic: 'in', ...spec }, more);
    opened.push(target);
    return target;
  };
  const start = async (options: Parameters<typeof startKafka>[0] = {}): Promise<Kafka> => {
    const cluster = await startKafka(options);
    clusters.push(cluster);
    return cluster;
  };
  const listen = async (server: Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const to = (topic: string, seq: number, more: Partial<Outgoing> = {}): Outgoing => outgoing(seq, { topic, ...more });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((target) => target.close()));
    await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
    for (const server of servers.splice(0)) server.close();
  });

  it('has messages with their key, time and headers when all replicas have them', async () => {
    const { brokers } = await start({ brokers: 3 });
    const target = open({ brokers });
    const message = { topic: 'a/ü b', traceparent: '00-1-2-01', contentType: 'text/plain' };
    const outcomes = await deliver(target, outgoing(1, { key: 'k', message }), to('other', 2));
    expect(outcomes).toEqual([{ is: 'delivered' }, { is: 'delivered' }]);
    const [one] = (await clusters[0]?.records('in')) ?? [];
    expect(one).toMatchObject({ key: 'k', payload: 'payload 1', ts: Date.UTC(2030, 0, 1, 12) });
    const headers = one?.headers ?? [];
    const pairs = Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at], headers[2 * at + 1]]);
    expect(Object.fromEntries(pairs)).toEqual({
      'selvage-id': 'm-1',
      'content-type': 'text/plain',
      'selvage-topic': 'a/%C3%BC%20b',
      'selvage-node': 'n1',
      'selvage-device': 'd1',
      'selvage-time': '2030-01-01T12:00:00.000Z',
      traceparent: '00-1-2-01',
    });
    expect(await clusters[0]?.records('other')).toMatchObject([{ key: null, payload: 'payload 2' }]);
  });

  it('has the messages of one key in their order, in one partition', async () => {
    const cluster = await start();
    const target = open({ brokers: cluster.brokers });
    for (let from = 0; from < 300; from += 100)
      await deliver(target, ...Array.from({ length: 100 }, (_, index) => outgoing(from + index, { key: 'a' })));
    const records = await cluster.records('in');
    expect(records.map(({ payload }) => payload)).toEqual(Array.from({ length: 300 }, (_, seq) => `payload ${seq}`));
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(1);
  });

  it('is not sent to topics that it cannot have', async () => {
    const cluster = await start();
    const batch = [to('a/b', 1), to('in', 2), to('..', 3), to('', 4), to('x'.repeat(250), 5), to('in', 6)];
    const outcomes = await deliver(open({ brokers: cluster.brokers }), ...batch);
    const is = outcomes.map((outcome) => outcome.is);
    expect(is).toEqual(['rejected', 'delivered', 'rejected', 'rejected', 'rejected', 'delivered']);
    expect(await cluster.records('in')).toHaveLength(2);
  });

  it('that is gone is away, and one that is there instead is found', async () => {
    const [gone, there] = [await start(), await start()];
    const target = open({ brokers: [...gone.brokers, ...there.brokers] });
    await deliver(target, outgoing(1));
    await gone.stop();
    await until(async () => (await refusal(deliver(target, outgoing(2)))) === undefined);
    const nobody = open({ brokers: gone.brokers });
    const away = await refusal(deliver(nobody, outgoing(3)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(/ECONNREFUSED|refused|Connection error/));
    await expect(test(nobody)).rejects.toMatchObject({ code: 'endpoint_failed' });
    await expect(test(open({ brokers: there.brokers }))).resolves.toBeUndefined();
  });

  it('is spoken to over TLS, and only with a certificate that is trusted', async () => {
    const { server, ca } = await testCertificates(['127.0.0.1']);
    let greeted = 0;
    const secure = createSecureServer(server, (socket) => {
      greeted += 1;
      socket.on('error', () => undefined).once('data', () => socket.destroy());
    });
    const brokers = [await listen(secure)];
    await expect(test(open({ brokers, tls: true }))).rejects.toMatchObject({
      detail: expect.stringMatching(/certificate/) as string,
    });
    expect(greeted).toBe(0);
    await expect(test(open({ brokers, tls: true, ca }))).rejects.toThrow();
    expect(greeted).toBeGreaterThan(0);
  });

  it.each(['plain', 'scram-sha-256'] as const)('that refuses a login says so: %s', async (sasl) => {
    const brokers = [await listen(createServer(brokerThatRefuses))];
    const target = open({ brokers, sasl }, { credentials: { username: 'u', password: 'wrong' } });
    const words = /Authentication failed: wrong user name or password/;
    await expect(test(target)).rejects.toMatchObject({ detail: expect.stringMatching(words) as string });
    const away = await refusal(deliver(target, outgoing(1)));
    expect(away).toBeInstanceOf(Away);
    expect(away).toHaveProperty('message', expect.stringMatching(words));
  });

  it('is left, and closed soon, while it says nothing', async () => {
    const brokers = [await listen(createServer((socket) => socket.on('error', () => undefined).resume()))];
    const target = open({ brokers });
    const stopping = new AbortController();
    const away = refusal(target.deliver([outgoing(1)], stopping.signal));
    stopping.abort();
    expect(await away).toBeInstanceOf(Away);
    await target.close();
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/closed/);
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', '2130706433'])(
    'is not looked for at %s unless that is allowed',
    async (host) => {
      const target = open({ brokers: [`${host}:9`] }, { reach: new Reach([]) });
      await expect(deliver(target, outgoing(1))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
    },
  );

  it('is not followed to brokers that it names on the own machine', async () => {
    const { brokers } = await start();
    const port = brokers[0]?.split(':')[1] ?? '';
    const reach = new Reach(['127.0.0.2'], (_name, _options, callback) => {
      callback(null, [{ address: '127.0.0.2', family: 4 }]);
    });
    // What listens at the open address leads to the mock cluster, which names itself by an address that is closed.
    const front = createServer((socket) => {
      const onward = connect({ host: '127.0.0.1', port: Number(port) });
      for (const one of [socket, onward]) one.on('error', () => undefined);
      socket.pipe(onward).pipe(socket);
    });
    servers.push(front);
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.2', resolve));
    const target = open({ brokers: [`kafka.example:${(front.address() as AddressInfo).port}`] }, { reach });
    await expect(deliver(target, outgoing(1))).rejects.toThrow(/SELVAGE_ALLOWED_TARGETS/);
  });

  it('has topics, no paths', () => {
    const spec = { kind: 'kafka' as const, brokers: ['a.example:9092'], tls: true };
    expect(kafka.problem?.(spec, { endpoint: 'k' })).toMatch(/name the topic/);
    expect(kafka.problem?.(spec, { endpoint: 'k', topic: 'a', path: '/t' })).toMatch(/no path/);
    expect(kafka.problem?.({ ...spec, topic: 't' }, { endpoint: 'k' })).toBeUndefined();
  });
});

/** A broker that knows ApiVersions and SASL, and refuses every login [KIP-152]. */
function brokerThatRefuses(socket: Socket): void {
  socket.on('error', () => undefined);
  let waiting = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readInt32BE(0)) {
      const request = waiting.subarray(4, 4 + waiting.readInt32BE(0));
      waiting = waiting.subarray(4 + request.length);
      const answer = Buffer.concat([request.subarray(4, 8), answerTo(request.readInt16BE(0), request)]);
      const size = Buffer.alloc(4);
      size.writeInt32BE(answer.length);
      socket.write(Buffer.concat([size, answer]));
    }
  });
}

const text = (words: string): Buffer => Buffer.concat([int16(words.length), Buffer.from(words)]);
function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const [API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE] = [18, 17, 36];
function answerTo(api: number, request: Buffer): Buffer {
  if (api === API_VERSIONS) {
    const known = [API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE];
    const versions = known.map((key) => Buffer.concat([int16(key), int16(0), int16(key === API_VERSIONS ? 0 : 1)]));
    // Of newer versions of this request it says, in the words of version 0, that it does not know them.
    return Buffer.concat([int16(request.readInt16BE(2) === 0 ? 0 : 35), int32(versions.length), ...versions]);
  }
  if (api === SASL_HANDSHAKE) return Buffer.concat([int16(0), int32(2), text('PLAIN'), text('SCRAM-SHA-256')]);
  const isNew = request.readInt16BE(2) >= 1;
  const refusal = [int16(58), text('Authentication failed: wrong user name or password'), int32(0)];
  return Buffer.concat([...refusal, ...(isNew ? [Buffer.alloc(8)] : [])]);
}
