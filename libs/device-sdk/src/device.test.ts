import { EdgeError, userTopic } from '@selvage/protocol';
import { FakeClock, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from './commands.js';
import { connectDevice, type Device } from './device.js';
import type { DeviceOptions } from './options.js';
import { lamp } from './test-model.js';
import { TestNode } from './test-node.js';
import type { Expected } from './model.js';

type Lamp = typeof lamp;
let node: TestNode;
let devices: Device<Lamp>[];
let errors: EdgeError[];

beforeEach(async () => {
  node = await TestNode.start({ level: { type: 'int', max: 9 } });
  devices = [];
  errors = [];
});

afterEach(async () => {
  await Promise.all(devices.map((device) => device.close({ timeoutMs: 0 })));
  await node.stop();
});

function connect(options: Partial<DeviceOptions<Lamp>> = {}): Device<Lamp> {
  const device = connectDevice({
    url: node.url,
    id: 'lamp',
    model: lamp,
    node: 'node-1',
    random: () => 0,
    ...options,
  });
  device.on('error', (error) => errors.push(error));
  devices.push(device);
  return device;
}

const topic = (path: string): string => userTopic({ project: 'default', node: 'node-1' }, path);
const actual = (key: string): string | undefined => node.actual(key);
const version = (cloud: number, edge = 0) => ({ cloud, edge });

describe('a report', () => {
  it('is stored by the node, in the types of the model', async () => {
    const device = connect();
    await expect(device.twin.report({ temperature: 21.5, on: true })).resolves.toBe('stored');
    expect([actual('temperature'), actual('on')]).toEqual(['21.5', 'true']);
    expect(node.twins.devices.get('lamp')?.twin.get('temperature')?.type).toBe('float');
  });

  it('that does not fit the model never leaves the device', async () => {
    const device = connect();
    const refused = await device.twin.report({ temperature: 99 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EdgeError);
    expect(refused).toMatchObject({ code: 'bad_request', detail: expect.stringContaining('temperature') as string });
    expect(node.texts('twin/update')).toEqual([]);
  });

  it("that does not fit the node's model is rejected with its words, and what else is reported is not", async () => {
    const device = connect();
    const refused = device.twin.report({ level: 10 });
    const stored = device.twin.report({ on: true });
    await expect(refused).rejects.toMatchObject({
      code: 'bad_request',
      detail: expect.stringContaining('maximum 9') as string,
    });
    await expect(stored).resolves.toBe('stored');
  });

  it('with a version is written only at that version', async () => {
    const device = connect();
    await device.twin.report({ level: 1 });
    const { level } = await device.twin.get();
    if (!level?.actualVersion) throw new Error('no version');
    await device.twin.report({ level: 2 }, { ifVersion: level.actualVersion });
    const late = device.twin.report({ level: 3 }, { ifVersion: level.actualVersion });
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    expect(actual('level')).toBe('2');
  });

  it('of a device that is not bound is rejected', async () => {
    const device = connect({ id: 'ghost' });
    await expect(device.twin.report({ on: true })).rejects.toMatchObject({ code: 'not_found' });
    await expect(device.twin.get()).rejects.toThrow(/Bind the device to this node first\.$/);
    expect(errors).toMatchObject([{ code: 'not_found' }]);
  });

  it('that nobody answers is given up', async () => {
    const clock = new FakeClock();
    node.answers = false;
    const device = connect({ clock, presence: false });
    await device.ready();
    const report = device.twin.report({ on: true });
    const rejected = expect(report).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await clock.advance(30_000);
    await rejected;
  });
});

describe('expected values', () => {
  it('come typed, only those that differ, each once', async () => {
    const device = connect();
    const told: Expected<Lamp>[] = [];
    device.twin.on('expected', (values) => void told.push(values));
    await device.ready();
    node.wish('level', '5', version(1));
    await until(() => told.length === 1);
    node.wish('on', 'true', version(1));
    await until(() => told.length === 2);
    await device.twin.report({ temperature: 20 });
    await device.twin.report({ level: 5 });
    await device.twin.report({ on: true });
    node.wish('level', '6', version(2));
    await until(() => told.length === 3);
    expect(told).toEqual([{ level: 5 }, { on: true }, { level: 6 }]);
    expect(errors).toEqual([]);
  });

  it('that were set before, or while the device was away, come too', async () => {
    node.wish('level', '5', version(1));
    const device = connect();
    const told: Expected<Lamp>[] = [];
    device.twin.on('expected', (values) => void told.push(values));
    await until(() => told.length === 1);
    await node.kill();
    await until(() => !device.isConnected);
    node.wish('level', '7', version(2));
    await node.listen();
    await until(() => told.length === 2);
    expect(told).toEqual([{ level: 5 }, { level: 7 }]);
  });

  it('are told again with the next news when the handler failed, and the handler is never run twice at once', async () => {
    const device = connect();
    const told: Expected<Lamp>[] = [];
    let running = 0;
    const together: number[] = [];
    device.twin.on('expected', async (values) => {
      running += 1;
      together.push(running);
      told.push(values);
      await device.twin.get();
      running -= 1;
      if (told.length === 1) throw new Error('stuck');
    });
    await device.ready();
    node.wish('level', '5', version(1));
    await until(() => errors.length === 1);
    node.wish('on', 'true', version(1));
    await until(() => told.length === 2);
    expect(told[1]).toEqual({ level: 5, on: true });
    expect(errors[0]?.detail).toContain('stuck');
    expect(together).toEqual([1, 1]);
  });

  it('that do not fit the model are an error and no value', async () => {
    const device = connect();
    const told: unknown[] = [];
    device.twin.on('expected', (values) => void told.push(values));
    await device.ready();
    node.wish('mode', 'dusk', version(1));
    await until(() => errors.length === 1);
    expect(errors[0]?.detail).toContain('mode: the expected value dusk');
    expect(told).toEqual([]);
  });

  it('are not told once the handler is stopped', async () => {
    const device = connect();
    const told: unknown[] = [];
    const stop = device.twin.on('expected', (values) => void told.push(values));
    await device.ready();
    stop();
    node.wish('level', '5', version(1));
    await device.twin.get();
    expect(told).toEqual([]);
  });

  it('and actual ones are read with versions', async () => {
    node.wish('level', '5', version(3));
    const device = connect();
    await device.twin.report({ temperature: 21.5 });
    const twin = await device.twin.get();
    expect(twin.level).toMatchObject({ expected: 5 });
    expect(twin.temperature).toMatchObject({ actual: 21.5, actualVersion: { cloud: 0, edge: 1 } });
  });
});

describe('how the device is', () => {
  it('is said when it connects, when it is asked to, and when it goes', async () => {
    const device = connect();
    await until(() => node.texts('state/update').length === 1);
    await device.state('unhealthy');
    expect(node.twins.devices.get('lamp')?.state).toBe('unhealthy');
    node.cut();
    await until(() => node.texts('state/update').length >= 4);
    await device.close();
    const states = node.texts('state/update').map((text) => (JSON.parse(text) as { state: string }).state);
    expect(states).toEqual(['online', 'unhealthy', 'offline', 'unhealthy', 'offline']);
  });

  it('is said once the device is bound', async () => {
    const bound = node.twins;
    node.twins = { ...bound, devices: new Map() };
    const device = connect();
    await until(() => errors.length === 1);
    node.twins = bound;
    node.wish('level', '5', version(1));
    await until(() => node.twins.devices.get('lamp')?.state === 'online');
    expect(device.isConnected).toBe(true);
  });
});

describe('a message', () => {
  it('goes as text, bytes or JSON and arrives', async () => {
    const device = connect();
    await device.send('log', 'text');
    await device.send('raw', new Uint8Array([104, 105]));
    await device.send('data/temperature', { celsius: 21.5 });
    await device.send('fast', 1, { qos: 0 });
    await until(() => node.texts('user/fast').length === 1);
    expect([...node.texts('user/log'), ...node.texts('user/raw'), ...node.texts('data/temperature')]).toEqual([
      'text',
      'hi',
      '{"celsius":21.5}',
    ]);
    expect(node.received.some(({ topic: one }) => one === topic('log'))).toBe(true);
  });

  it.each(['', 'a//b', '/a', 'a/+', 'a/#', 'a\0'])('to the path %j is refused', async (path) => {
    await expect(connect().send(path, 'x')).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('needs the name of the node', async () => {
    const device = connectDevice({ url: node.url, id: 'lamp' });
    await expect(device.send('a', 'x')).rejects.toMatchObject({
      code: 'bad_request',
      detail: expect.stringContaining('node:') as string,
    });
    await device.close();
  });

  it('that the broker does not allow is given up and counted, and the next one arrives', async () => {
    node.refused = /forbidden/;
    const device = connect();
    const refused = device.send('forbidden', 'x');
    const next = device.send('allowed', 'y');
    await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
    await next;
    expect(device.dropped).toBe(1);
  });
});

describe('a command', () => {
  it('reaches every handler whose filter names it, perhaps twice, until it is stopped', async () => {
    const device = connect();
    const got = new Set<string>();
    const take = (by: string) => (command: Command) => void got.add(`${by} ${command.path} ${command.text()}`);
    device.onCommand('set/+', take('one'));
    const stop = device.onCommand('set/#', take('all'));
    await device.ready();
    node.publish(topic('set/a'), 'x', 1);
    await until(() => got.size === 2);
    stop();
    node.publish(topic('set/a/b'), 'y', 1);
    node.publish(topic('set/c'), 'z', 1);
    await until(() => got.size === 3);
    expect([...got].sort()).toEqual(['all set/a x', 'one set/a x', 'one set/c z']);
  });

  it('that came while the device was away is delivered', async () => {
    const device = connect();
    const got: unknown[] = [];
    device.onCommand('set', (command) => void got.push(command.json()));
    await device.ready();
    await node.kill();
    await until(() => !device.isConnected);
    node.publish(topic('set'), { on: true }, 1);
    await node.listen();
    await until(() => got.length === 1);
    expect(got).toEqual([{ on: true }]);
  });

  it('whose handler fails, or whose topic is refused, is an error', async () => {
    node.refused = /secret/;
    const device = connect();
    device.onCommand('set', (command) => void command.json());
    device.onCommand('secret', () => undefined);
    await until(() => errors.length === 1);
    node.publish(topic('set'), '{');
    await until(() => errors.length === 2);
    expect(errors.map(({ code }) => code)).toEqual(['forbidden', 'internal']);
    expect(() => device.onCommand('a#', () => undefined)).toThrow('a#');
  });
});
