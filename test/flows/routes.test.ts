import { randomBytes } from 'node:crypto';
import { until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RouteSite } from '../stage/route-site.js';

describe('a route from the broker of a node', () => {
  const site = new RouteSite();
  let device: MqttClient;
  const publish = (topic: string, payload: string | Buffer): Promise<unknown> =>
    device.publishAsync(`default/nodes/site/user/${topic}`, payload, { qos: 1 });
  /** Publishes until a route has taken something: it takes a moment until the node knows of it. */
  const known = async (name: string, topic: string, payload: string): Promise<void> => {
    await until(
      async () => {
        await publish(topic, payload);
        return (await site.shown(name)).status.stats.forwarded > 0;
      },
      { timeoutMs: 60_000, everyMs: 500, describe: () => `route ${name}` },
    );
  };

  beforeAll(async () => {
    await site.start();
    device = await connectAsync(`mqtt://127.0.0.1:${site.mqttPort}`, { clientId: 'device', protocolVersion: 4 });
  });
  afterAll(async () => {
    await device.endAsync(true);
    await site.close();
  });

  it('brings payloads to a web server byte for byte, in the order of their topic', async () => {
    await site.route('bytes', 'user/bytes/#', { endpoint: 'hook', path: '/bytes/{rest}' });
    await known('bytes', 'bytes/first', 'x');
    const payloads = Array.from({ length: 50 }, (_, index) =>
      Buffer.concat([Buffer.of(index), randomBytes(index * 100)]),
    );
    payloads.push(Buffer.alloc(0), Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    for (const payload of payloads) await publish('bytes/a', payload);
    const came = () => site.receiver.at('/bytes/a');
    await until(() => came().length === payloads.length, { describe: () => `${came().length} came` });
    for (const [index, payload] of payloads.entries())
      expect(came()[index]?.body.equals(payload), `${index}`).toBe(true);
    expect(new Set(came().map(({ id }) => id)).size).toBe(payloads.length);
  });

  it('leaves out what its filter says, and sends what its expression makes', async () => {
    await site.route(
      'warm',
      'user/rooms/+/temperature',
      { endpoint: 'hook', path: '/warm/{1}' },
      { filter: 'payload.celsius > 20', transform: '{"room": topic, "fahrenheit": payload.celsius * 2 + 30}' },
    );
    await known('warm', 'rooms/attic/temperature', '{"celsius": 25}');
    for (const celsius of [19, 21, 18, 30]) await publish('rooms/hall/temperature', `{"celsius": ${celsius}}`);
    const came = () => site.receiver.at('/warm/hall').map(({ body }) => JSON.parse(body.toString()) as unknown);
    await until(() => came().length === 2, { describe: () => JSON.stringify(came()) });
    const room = 'default/nodes/site/user/rooms/hall/temperature';
    expect(came()).toEqual([
      { room, fahrenheit: 72 },
      { room, fahrenheit: 90 },
    ]);
    await until(async () => (await site.shown('warm')).status.stats.filtered === 2);
  });

  it('carries from topic to topic on the node although the hub is away', async () => {
    await site.route('local', 'user/raw/+', { endpoint: 'edge', topic: 'user/copy/{1}' });
    const heard: string[] = [];
    device.on('message', (topic, payload) =>
      heard.push(`${topic.split('/').slice(-2).join('/')} ${payload.toString()}`),
    );
    await device.subscribeAsync('default/nodes/site/user/copy/#', { qos: 1 });
    await until(async () => (await publish('raw/first', 'x'), heard.length > 0), { everyMs: 500, timeoutMs: 60_000 });
    site.cable.pull();
    for (const n of [1, 2, 3]) await publish('raw/a', String(n));
    const ofA = () => heard.filter((text) => text.startsWith('copy/a'));
    await until(() => ofA().length === 3, { describe: () => heard.join() });
    expect(ofA()).toEqual(['copy/a 1', 'copy/a 2', 'copy/a 3']);
    site.cable.plug();
  });
});
