import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Away } from '@selvage/outbox';
import { FakeClock, type PortServer, startMosquitto, until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Outgoing, Target } from './kind.js';
import { mqtt } from './mqtt.js';
import { Reach } from './reach.js';
import {
  deliver,
  open as openKind,
  outgoing,
  refusal,
  test,
  type TestCertificates,
  testCertificates,
} from './test-target.js';

const USER = { username: 'selvage', password: 'right' };

/** Everything that a broker hands out: topic, QoS, whether it was retained, payload. */
class Listener {
  readonly messages: string[] = [];

  private constructor(private readonly client: MqttClient) {
    client.on('message', (topic, payload, { qos, retain }) => {
      this.messages.push(`${topic} ${qos} ${Number(retain)} ${payload.toString()}`);
    });
  }

  static async on(url: string, user: Partial<typeof USER> = {}): Promise<Listener> {
    const client = await connectAsync(url, { ...user, protocolVersion: 4 });
    const listener = new Listener(client);
    await client.subscribeAsync('#', { qos: 1 });
    return listener;
  }

  async stop(): Promise<void> {
    await this.client.endAsync(true);
  }
}

describe('a broker of MQTT', () => {
  const opened: Target[] = [];
  const brokers: PortServer[] = [];
  const open = (spec: object, more: Parameters<typeof openKind>[2] = {}): Target => {
    const target = openKind(mqtt, spec, more);
    opened.push(target);
    return target;
  };
  const start = async (options: Parameters<typeof startMosquitto>[0] = {}): Promise<PortServer> => {
    const broker = await startMosquitto(options);
    brokers.push(broker);
    return broker;
  };
  const urlOf = ({ port }: { port: number }): string => `mqtt://127.0.0.1:${port}`;
  const to = (topic: string, seq: number, more: Partial<Outgoing> = {}): Outgoing => outgoing(seq, { topic, ...more });

  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await testCertificates(['localhost', '127.0.0.1']);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((target) => target.close()));
    await Promise.all(brokers.splice(0).map((broker) => broker.stop()));
  });

  it('has messages in their order, under their own topic or that of the route, as soon as it says so', async () => {
    const broker = await start({ user: USER });
    const listener = await Listener.on(urlOf(broker), USER);
    const target = open({ url: urlOf(broker) }, { credentials: USER });
    const batch = Array.from({ length: 200 }, (_, index) => to('t/one', index, { key: 'a' }));
    expect(await deliver(target, ...batch)).toEqual(batch.map(() => ({ is: 'delivered' })));
    await deliver(target, outgoing(500, { target: { endpoint: 'there', retain: true }, message: { topic: 't/own' } }));
    await until(() => listener.messages.length === 201);
    expect(listener.messages.slice(0, 200)).toEqual(batch.map((_, index) => `t/one 1 0 payload ${index}`));
    expect(listener.messages.at(-1)).toBe('t/own 1 0 payload 500');
    await listener.stop();
    const later = await Listener.on(urlOf(broker), USER);
    await until(() => later.messages.length === 1);
    expect(later.messages).toEqual(['t/own 1 1 payload 500']);
    await later.stop();
  });

  it('that refuses the credentials says so, in a test and to its routes, and gets the next ones', async () => {
    const broker = await start({ user: USER });
    const wrong = open({ url: urlOf(broker) }, { credentials: { ...USER, password: 'wrong' } });
    await expect(test(wrong)).rejects.toMatchObject({
      code: 'endpoint_failed',
      detail: expect.stringMatching(/^127\.0\.0\.1:\d+: Connection refused: Not authorized$/i) as string,
    });
    for (const seq of [1, 2]) {
      const away = await refusal(deliver(wrong, to('t', seq)));
      expect(away).toBeInstanceOf(Away);
      expect(away).toHaveProperty('message', expect.stringMatching(/Not authorized/i));
    }
    const right = open({ url: urlOf(broker) }, { credentials: USER });
    await expect(test(right)).resolves.toBeUndefined();
    expect(await deliver(right, to('t', 3))).toEqual([{ is: 'delivered' }]);
  });

  it('is tested without ending the connection of the routes', async () => {
    const broker = await start();
    const [used, tested] = [open({ url: urlOf(broker), clientId: 'c' }), open({ url: urlOf(broker), clientId: 'c' })];
    await deliver(used, to('t', 1));
    await test(tested);
    expect(await deliver(used, to('t', 2))).toEqual([{ is: 'delivered' }]);
  });

  it('is reached over TLS, with a certificate of ours when it asks for one', async () => {
    const { cert, key } = certificates.server;
    const broker = await start({ tls: { cert, key, clientCa: certificates.ca } });
    const url = `mqtts://localhost:${broker.port}`;
    const ours = { certificate: certificates.client.cert, key: certificates.client.key };
    const target = open({ url, ca: certificates.ca }, { credentials: ours });
    expect(await deliver(target, to('t', 1))).toEqual([{ is: 'delivered' }]);
    await expect(test(open({ url, ca: certificates.ca }))).rejects.toThrow();
    await expect(test(open({ url }, { credentials: ours }))).rejects.toMatchObject({
      detail: expect.stringMatching(/certificate/) as string,
    });
    const others = await testCertificates(['localhost']);
    await expect(deliver(open({ url, ca: others.ca }), to('t', 2))).rejects.toThrow(/certificate/);
    await expect(deliver(open({ url: urlOf(broker) }), to('t', 3))).rejects.toThrow(/127.0.0.1/);
  });

  it('that goes and comes again has everything that was delivered, and is connected to once it is there', async () => {
    const broker = await start();
    const target = open({ url: urlOf(broker) });
    await deliver(target, to('t', 1));
    await broker.down();
    await expect(deliver(target, to('t', 2))).rejects.toBeInstanceOf(Away);
    await expect(deliver(target, to('t', 2))).rejects.toThrow(/ECONNREFUSED/);
    await broker.up();
    const listener = await Listener.on(urlOf(broker));
    expect(await deliver(target, to('t', 2))).toEqual([{ is: 'delivered' }]);
    await until(() => listener.messages.includes('t 1 0 payload 2'));
    await listener.stop();
  });

  it('is connected to once by many who come at the same time', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = open({ url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const all = await Promise.all([1, 2, 3].map((seq) => refusal(deliver(target, to('t', seq)))));
    for (const away of all) expect(away).toHaveProperty('message', expect.stringMatching(/closed the connection/));
    expect(sockets.size).toBe(1);
    server.close();
  });

  it('that cannot bear one message gets the others, and that one is tried alone and blamed', async () => {
    const broker = await start({ maxPacketBytes: 1000 });
    const target = open({ url: urlOf(broker) });
    const huge = to('t', 2, { message: { ...outgoing(2).message, payload: Buffer.alloc(5000) } });
    const batch = [to('t', 1), huge, to('t', 3)];
    const left = [...batch];
    const blamed: number[] = [];
    for (let round = 0; round < 20 && left.length > 0; round += 1) {
      const outcomes = await deliver(target, ...left).catch(() => []);
      for (const [index, { is }] of [...outcomes.entries()].reverse()) {
        if (is === 'failed') blamed.push(left[index]?.seq ?? 0);
        if (is === 'delivered' || is === 'failed') left.splice(index, 1);
      }
    }
    expect(left).toEqual([]);
    expect(blamed).toEqual([2]);
  });

  it('that says nothing is given up after its time', async () => {
    const clock = new FakeClock();
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = open({ url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` }, { clock });
    const away = refusal(deliver(target, to('t', 1)));
    await until(() => clock.pending > 0);
    await clock.advance(30_000);
    expect(await away).toBeInstanceOf(Away);
    expect(await away).toHaveProperty('message', expect.stringMatching(/did not answer in 30 s/));
    server.close();
  });

  it('is not sent to topics that nobody may publish to', async () => {
    const target = open({ url: urlOf(await start()) });
    const batch = [to('a/+', 1), to('a/#', 2), to('', 3), to('a', 4)];
    const outcomes = await deliver(target, ...batch);
    expect(outcomes.map(({ is }) => is)).toEqual(['rejected', 'rejected', 'rejected', 'delivered']);
  });

  it('is not looked for on the own machine unless that is allowed', async () => {
    const reach = new Reach([]);
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433'])
      await expect(deliver(open({ url: `mqtt://${host}:9` }, { reach }), to('t', 1))).rejects.toThrow(
        /SELVAGE_ALLOWED_TARGETS/,
      );
  });

  it('is closed soon, also while it is being connected to', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const target = open({ url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const away = refusal(deliver(target, to('t', 1)));
    await target.close();
    expect(await away).toBeInstanceOf(Away);
    await new Promise((resolve) => server.close(resolve));
  });

  it('has topics, no paths, and QoS 1', () => {
    const spec = { kind: 'mqtt', url: 'mqtt://a.example' } as const;
    expect(mqtt.problem?.(spec, { endpoint: 'm', path: '/t' })).toMatch(/no path/);
    expect(mqtt.problem?.(spec, { endpoint: 'm', qos: 0 })).toMatch(/QoS 1/);
    expect(mqtt.problem?.(spec, { endpoint: 'm', topic: 't', qos: 1, retain: true })).toBeUndefined();
  });
});
