import { spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { until } from '@selvage/testkit';
import { generate, type Packet, parser } from 'mqtt-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heard, Stage } from './test-stage.js';

/** A client that publishes as fast as it can. */
const FLOOD = `
  const [port] = process.argv.slice(1);
  const socket = require('node:net').connect(Number(port), '127.0.0.1');
  socket.write(Buffer.from('101400044d51545404c2000000016600026431000178', 'hex'));
  const burst = Buffer.alloc(2000 * 12, Buffer.from('300a0007742f666c6f6f6478', 'hex'));
  const pour = () => { while (socket.write(burst)); };
  socket.on('data', () => undefined).on('drain', pour);
  pour();
`;

/** A connection on which anything can be sent. */
class Raw {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  closed = false;

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1' });
    const read = parser();
    read.on('packet', (packet) => {
      this.packets.push(packet);
    });
    this.socket.on('data', (bytes) => read.parse(bytes));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  async connect(username: string): Promise<this> {
    const hello = { clientId: `raw-${username}`, username, password: Buffer.from('x'), keepalive: 0 };
    this.send({ cmd: 'connect', clean: true, protocolId: 'MQTT', protocolVersion: 4, ...hello });
    await until(() => this.packets.some(({ cmd }) => cmd === 'connack'));
    return this;
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet));
  }

  async subscribe(filter: string, qos: 0 | 1 | 2): Promise<number[]> {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos }] });
    const granted = (): number[] =>
      this.packets.flatMap((one) => (one.cmd === 'suback' ? one.granted : [])).map(Number);
    await until(() => granted().length > 0 || this.closed);
    return granted();
  }
}

describe('only the client that misbehaves suffers:', () => {
  let stage: Stage;
  const raws: Raw[] = [];
  const raw = (): Raw => {
    const one = new Raw(stage.port);
    raws.push(one);
    return one;
  };
  const counters = (): Readonly<Record<string, number>> => stage.broker.counters.all;

  beforeEach(async () => {
    stage = new Stage();
    await stage.start({ frozenMs: 1_000, connections: 1_100, connectsPerSecond: 10_000 });
  });
  afterEach(async () => {
    for (const { socket } of raws.splice(0)) socket.destroy();
    await stage.stop();
    stage.folder.remove();
  });

  it.each([0, 1] as const)(
    'a frozen subscriber of QoS %i is cut off in seconds, others get everything',
    async (qos) => {
      const healthy = await stage.connect('d1');
      const messages = heard(healthy);
      await healthy.subscribeAsync('t/#', { qos: 1 });
      const frozen = await raw().connect('d2');
      await frozen.subscribe('t/#', qos);
      frozen.socket.pause();
      const publisher = await stage.connect('d3');
      const payload = Buffer.alloc(64 * 1024, 'x');
      const since = Date.now();
      const cutOff = (): boolean => stage.broker.clients.every(({ id }) => !id.includes('raw-d2'));
      let sent = 0;
      while (!cutOff() && Date.now() - since < 10_000) {
        await publisher.publishAsync('t/a', payload, { qos: 1 });
        sent += 1;
      }
      expect(cutOff()).toBe(true);
      await until(() => messages.length === sent);
      expect(counters().frozen_client).toBe(1);
      expect(healthy.connected).toBe(true);
    },
  );

  it('a flood does not keep others waiting', async () => {
    const flooding = spawn(process.execPath, ['-e', FLOOD, String(stage.port)]);
    await until(() => (counters().received ?? 0) > 2_000);
    const client = await stage.connect('d2');
    const messages = heard(client);
    await client.subscribeAsync('t/other', { qos: 1 });
    const since = performance.now();
    for (let at = 0; at < 20; at += 1) await client.publishAsync('t/other', String(at), { qos: 1 });
    await until(() => messages.length === 20);
    const perMessage = (performance.now() - since) / 20;
    flooding.kill();
    expect(perMessage).toBeLessThan(100);
  });

  it('a packet of 256 MB ends its connection before its body came', async () => {
    const client = await raw().connect('d1');
    client.socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    await until(() => client.closed);
    expect(counters().packet_too_large).toBe(1);
  });

  it('a CONNECT larger than any that makes sense ends its connection', async () => {
    const client = raw();
    client.socket.write(Buffer.from([0x10, 0x80, 0x80, 0x10]));
    await until(() => client.closed);
    expect(counters().packet_too_large).toBe(1);
  });

  it.each([
    ['of 65,535 bytes', 't/'.padEnd(65_535, 'x')],
    ['of 100 levels', `t${'/x'.repeat(99)}`],
  ])('a topic %s ends its connection, and a filter like it is refused', async (_what, topic) => {
    const client = await raw().connect('d1');
    expect(await client.subscribe(topic, 0)).toEqual([128]);
    client.send({ cmd: 'publish', topic, payload: 'x', qos: 1, messageId: 7, dup: false, retain: false });
    await until(() => client.closed);
    expect(counters().topic_too_long).toBe(1);
  });

  it('connections that say nothing are closed, and hold nobody up', async () => {
    const silent = Array.from({ length: 300 }, raw);
    const client = await stage.connect('d1');
    await client.publishAsync('t/a', 'x', { qos: 1 });
    await until(() => silent.every(({ closed }) => closed), { timeoutMs: 20_000 });
    expect(client.connected).toBe(true);
  });

  it('more connections than allowed are closed at once', async () => {
    await stage.stop();
    await stage.start({ connections: 10, connectsPerSecond: 10_000 });
    const silent = Array.from({ length: 10 + 256 + 50 }, raw);
    await until(() => silent.filter(({ closed }) => closed).length >= 50);
    expect(counters().too_many_connections).toBe(50);
  });

  it('more connections in a second than allowed are closed at once', async () => {
    await stage.stop();
    await stage.start({ connectsPerSecond: 5 });
    const many = Array.from({ length: 50 }, raw);
    await until(() => many.filter(({ closed }) => closed).length >= 40);
    expect(counters().connect_rate).toBeGreaterThanOrEqual(40);
  });

  it('a thousand subscribers of everything each get a message', async () => {
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, at) => raw().connect(`s${at}`)));
    await Promise.all(all.map((one) => one.subscribe('t/#', 0)));
    const publisher = await stage.connect('d1');
    const since = performance.now();
    for (let at = 0; at < 10; at += 1) await publisher.publishAsync('t/a', String(at), { qos: 1 });
    const messages = (one: Raw): number => one.packets.filter(({ cmd }) => cmd === 'publish').length;
    await until(() => all.every((one) => messages(one) === 10), { timeoutMs: 20_000 });
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  it('one that never acknowledges holds what is under way to its limit, and gets the rest when it does', async () => {
    await stage.stop();
    await stage.start({ inflight: 5 });
    const away = await stage.connect('d2', { clientId: 'away', clean: false });
    await away.subscribeAsync('t/#', { qos: 1 });
    await away.endAsync();
    const publisher = await stage.connect('d1');
    for (let at = 0; at < 12; at += 1) await publisher.publishAsync('t/a', String(at), { qos: 1 });
    const slow = raw();
    const hello = { clientId: 'away', username: 'd2', password: Buffer.from('x'), keepalive: 0 };
    slow.send({ cmd: 'connect', clean: false, protocolId: 'MQTT', protocolVersion: 4, ...hello });
    const came = (): Packet[] => slow.packets.filter(({ cmd }) => cmd === 'publish');
    await until(() => came().length === 5);
    let acknowledged = 0;
    while (acknowledged < 12) {
      await until(() => came().length > acknowledged);
      const packet = came()[acknowledged];
      slow.send({ cmd: 'puback', messageId: packet?.messageId ?? 0 });
      acknowledged += 1;
      expect(came().length - acknowledged).toBeLessThanOrEqual(5);
    }
    const payloads = came().map((one) => (one.cmd === 'publish' ? one.payload.toString() : ''));
    expect(payloads).toEqual(Array.from({ length: 12 }, (_, at) => String(at)));
    await until(() => stage.broker.sessions.waiting.messages === 0);
  });
});
