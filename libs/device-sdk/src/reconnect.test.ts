import type { EdgeError } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDevice, type Device } from './device.js';
import type { DeviceOptions } from './options.js';
import { TestNode } from './test-node.js';

let node: TestNode;
let devices: Device[];

beforeEach(async () => {
  node = await TestNode.start();
  devices = [];
});

afterEach(async () => {
  await Promise.all(devices.map((device) => device.close({ timeoutMs: 0 })));
  await node.stop();
});

function connect(options: Partial<DeviceOptions> = {}): Device {
  const device = connectDevice({ url: node.url, id: 'lamp', node: 'node-1', random: () => 0, ...options });
  devices.push(device);
  return device;
}

const actual = (key: string): string | undefined => node.actual(key);
const payloads = (end: string): string[] => [...new Set(node.texts(end))];

describe('while the node is away', () => {
  it('only the latest report of each key waits, and is stored afterwards', async () => {
    const device = connect();
    await device.ready();
    await node.kill();
    await until(() => !device.isConnected);
    const reports = [
      device.twin.report({ a: 1, b: 1 }),
      device.twin.report({ a: 2 }),
      device.twin.report({ a: 3 }),
      device.twin.report({ c: 'x' }),
    ];
    await node.listen();
    expect(await Promise.all(reports)).toEqual(['stored', 'superseded', 'stored', 'stored']);
    expect([actual('a'), actual('b'), actual('c')]).toEqual(['3', '1', 'x']);
    expect(node.texts('twin/update')).toHaveLength(3);
  });

  it('messages wait in order and arrive at least once', async () => {
    const device = connect();
    await device.send('log', '0');
    await node.kill();
    const sent = Array.from({ length: 100 }, (_none, index) => device.send('log', String(index + 1)));
    await node.listen();
    await Promise.all(sent);
    await until(() => payloads('user/log').length === 101);
    expect(payloads('user/log')).toEqual(Array.from({ length: 101 }, (_none, index) => String(index)));
    expect(device.dropped).toBe(0);
  });

  it('a full queue refuses what is new', async () => {
    await node.kill();
    const device = connect({ queue: { maxMessages: 2 } });
    const dropped: string[] = [];
    device.on('dropped', ({ topic }) => dropped.push(topic));
    const kept = [device.send('a', '1'), device.send('b', '2')];
    await expect(device.send('c', '3')).rejects.toMatchObject({ code: 'too_many_requests' });
    await expect(device.send('d', '4', { qos: 0 })).rejects.toMatchObject({ code: 'node_offline' });
    expect([device.dropped, dropped.length]).toEqual([2, 2]);
    await node.listen();
    await Promise.all(kept);
    expect([node.texts('user/a'), node.texts('user/c')]).toEqual([['1'], []]);
  });

  it('or drops what is oldest', async () => {
    await node.kill();
    const device = connect({ queue: { maxMessages: 2, whenFull: 'drop-oldest' } });
    const oldest = device.send('a', '1');
    const rejected = expect(oldest).rejects.toMatchObject({ code: 'too_many_requests' });
    const kept = [device.send('b', '2'), device.send('c', '3')];
    await rejected;
    await node.listen();
    await Promise.all(kept);
    expect(device.dropped).toBe(1);
  });
});

describe('a connection', () => {
  it('that is cut again and again loses nothing that was sent', async () => {
    const device = connect();
    const sent: Promise<void>[] = [];
    for (let round = 0; round < 5; round += 1) {
      await until(() => device.isConnected);
      for (let index = 0; index < 20; index += 1) sent.push(device.send('log', `${round}-${index}`));
      node.cut();
      await until(() => !device.isConnected);
    }
    await Promise.all(sent);
    await until(() => payloads('user/log').length === 100, { describe: () => payloads('user/log').join(' ') });
  });

  it('whose answer was lost asks again with the same event id', async () => {
    const device = connect();
    await device.ready();
    await until(() => node.texts('state/update').length === 1);
    node.answers = false;
    const report = device.twin.report({ a: 1 });
    await until(() => node.texts('twin/update').length === 1);
    node.answers = true;
    node.cut();
    await report;
    const ids = node.texts('twin/update').map((text) => (JSON.parse(text) as { event_id: string }).event_id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('is said to be lost once, with the reason, and to be there again', async () => {
    const device = connect();
    const said: string[] = [];
    device.on('connected', () => said.push('connected'));
    device.on('disconnected', ({ code }) => said.push(code));
    await device.ready();
    await node.kill();
    const before = node.connections;
    await until(() => !device.isConnected);
    await node.listen();
    await until(() => said.length === 3);
    expect(said).toEqual(['connected', 'node_offline', 'connected']);
    expect(node.connections).toBeGreaterThan(before);
  });

  it.each([
    [4, { username: 'lamp', password: 'wrong' }, 'wrong_password'],
    [5, {}, 'unauthenticated'],
    [2, {}, 'forbidden'],
  ])('that is refused with code %s is an error, and is tried again for ever', async (code, options, expected) => {
    node.refusal = code;
    const device = connect(options);
    const errors: EdgeError[] = [];
    device.on('error', (error) => errors.push(error));
    await expect(device.ready()).rejects.toMatchObject({ code: expected });
    await until(() => errors.length >= 3);
    node.refusal = 0;
    await device.ready();
    await device.twin.report({ a: 1 });
  });

  it('with the id of another device is an error, and nothing waits for ever', async () => {
    node.refused = /^\$hw/;
    const device = connect();
    const errors: EdgeError[] = [];
    device.on('error', (error) => errors.push(error));
    await expect(device.twin.report({ a: 1 })).rejects.toMatchObject({ code: 'forbidden' });
    expect(errors[0]?.detail).toContain('be the device lamp');
  });

  it.each([
    [{ url: 'http://127.0.0.1:1' }, 'url'],
    [{ url: 'x' }, 'url'],
    [{ id: 'a/b' }, 'id'],
    [{ node: 'A' }, 'node'],
    [{ tls: { ca: 'x' } }, 'tls'],
    [{ url: 'mqtts://127.0.0.1:1', tls: { cert: 'x' } }, 'tls'],
    [{ queue: { maxBytes: 0 } }, 'queue.maxBytes'],
  ])('is not made from %j', (options, word) => {
    expect(() => connect(options)).toThrow(word);
  });

  it('whose key cannot be read is an error', async () => {
    const device = connect({ url: `mqtts://127.0.0.1:${await freePort()}`, tls: { cert: 'x', key: 'y' } });
    await expect(device.ready()).rejects.toMatchObject({ code: 'certificate_invalid' });
  });
});

describe('closing', () => {
  it('waits for what is under way, then refuses everything', async () => {
    const device = connect();
    const sent = [device.send('log', 'x'), device.twin.report({ a: 1 })];
    expect(await device.close()).toEqual([]);
    await Promise.all(sent);
    expect(actual('a')).toBe('1');
    await expect(device.send('log', 'y')).rejects.toMatchObject({ code: 'call_cancelled' });
    await expect(device.twin.report({ a: 1 })).rejects.toMatchObject({ code: 'call_cancelled' });
    await expect(device.ready()).rejects.toMatchObject({ code: 'call_cancelled' });
    expect(await device.close()).toEqual([]);
  });

  it('says what was not sent, and whoever waits for it hears that', async () => {
    await node.kill();
    const device = connect();
    const rejected = Promise.all(
      [device.send('log', 'x'), device.twin.report({ a: 1 }), device.ready()].map((one) =>
        expect(one).rejects.toMatchObject({ code: 'call_cancelled' }),
      ),
    );
    const unsent = await device.close({ timeoutMs: 100 });
    expect(unsent).toEqual([
      { topic: 'default/nodes/node-1/user/log', payload: 'x' },
      { topic: '$hw/events/device/lamp/twin/update' },
    ]);
    await rejected;
    expect(device.dropped).toBe(1);
  });

  it('by a signal is at once', async () => {
    const controller = new AbortController();
    const device = connect({ signal: controller.signal });
    await device.ready();
    controller.abort();
    await until(() => !device.isConnected);
    const before = node.connections;
    await device.close();
    expect(node.connections).toBe(before);
    expect(() => connect({ signal: controller.signal })).toThrow();
  });
});
