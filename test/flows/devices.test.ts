import { once } from 'node:events';
import { endpoints } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

/** Too long to be part of a number or an id that is logged. */
const PIN = 'pin-of-the-plc';
const PLAINTEXT = '$hw/default/encryptdatas/plc/properties/+/plaintext';

describe('a device on a node, over TLS', () => {
  const hub = new HubProcess();
  let agent: AgentProcess;
  let port: number;
  const clients: MqttClient[] = [];
  const identity = { key: '', cert: '', ca: '' };

  const connect = async (clientId: string): Promise<MqttClient> => {
    const url = `mqtts://localhost:${port}`;
    const client = await connectAsync(url, { clientId, reconnectPeriod: 0, protocolVersion: 4, ...identity });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const topic = (of: string): string => `$hw/events/device/lamp/${of}`;
  const twin = async () => (await hub.client.call(endpoints.devices.get, params('lamp'))).status.twin;

  beforeAll(async () => {
    await hub.start();
    port = await freePort();
    agent = new AgentProcess('site', { SELVAGE_MQTT_PORT: String(port) });
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('site', 'ready');
    const properties = { level: { type: 'int', min: 0, max: 100 }, warm: { type: 'boolean' } } as const;
    await hub.client.call(endpoints.deviceModels.put, {
      ...params('lamp'),
      body: { labels: {}, spec: { properties } },
    });
    const decrypt = '$hw/default/encryptdatas/plc/properties/+/decrypt';
    const spec = { model: 'lamp', node: 'site', grants: { publish: [decrypt], subscribe: [PLAINTEXT] } };
    await hub.client.call(endpoints.devices.put, { ...params('lamp'), body: { labels: {}, spec } });
    const issued = await hub.client.call(endpoints.devices.certificate, { ...params('lamp'), body: {} });
    Object.assign(identity, { key: issued.key, cert: issued.chain, ca: issued.ca });
    await until(
      () =>
        connect('first').then(
          () => true,
          () => false,
        ),
      { timeoutMs: 60_000, describe: () => 'the broker' },
    );
  });
  afterAll(async () => {
    for (const client of clients) await client.endAsync(true);
    await agent.close();
    await hub.close();
  });

  it('tells the hub what it reports, and hears what is expected of it', async () => {
    const lamp = await connect('lamp-1');
    const deltas: string[] = [];
    lamp.on('message', (_topic, payload) => deltas.push(payload.toString()));
    await lamp.subscribeAsync(topic('twin/update/delta'), { qos: 1 });
    await lamp.publishAsync(topic('twin/update'), '{"event_id":"1","twin":{"level":{"actual":{"value":"30"}}}}', {
      qos: 1,
    });
    await until(async () => (await twin()).level?.actual?.value === '30', { describe: () => 'the hub to know' });
    const input = { ...params('lamp'), body: { level: 80 } };
    await hub.client.call(endpoints.devices.expected, input);
    await until(() => deltas.some((text) => text.includes('"level":"80"')), {
      describe: () => `80; heard ${deltas.join()}`,
    });
    await lamp.publishAsync(topic('twin/update'), '{"event_id":"2","twin":{"level":{"actual":{"value":"80"}}}}', {
      qos: 1,
    });
    await until(async () => (await twin()).level?.pending === false, { describe: () => 'it to be settled' });
    const history = async () => (await hub.client.call(endpoints.devices.history, params('lamp'))).items;
    await until(async () => (await history()).length === 3, { describe: async () => JSON.stringify(await history()) });
    expect((await history()).map(({ side, value }) => `${side} ${value ?? ''}`)).toEqual([
      'actual 80',
      'expected 80',
      'actual 30',
    ]);
  });

  it('is listed among the clients of its node, with what it subscribed', async () => {
    const shown = await hub.client.call(endpoints.nodes.broker, params('site'));
    expect(shown.listeners.map(({ kind, listening }) => `${kind} ${listening}`)).toContain('tls true');
    const lamp = shown.clients.find(({ id }) => id === 'device/lamp/lamp-1');
    expect(lamp).toMatchObject({ kind: 'device', listener: 'tls', subscriptions: [topic('twin/update/delta')] });
    expect(shown.counters.received).toBeGreaterThan(1);
  });

  it('is refused what its model does not allow, on its own topic', async () => {
    const lamp = await connect('lamp-2');
    const results: string[] = [];
    lamp.on('message', (_topic, payload) => results.push(payload.toString()));
    await lamp.subscribeAsync(topic('twin/update/result'), { qos: 1 });
    await lamp.publishAsync(topic('twin/update'), '{"event_id":"3","twin":{"level":{"actual":{"value":"101"}}}}', {
      qos: 1,
    });
    await until(() => results.length > 0);
    expect(JSON.parse(results[0] ?? '')).toMatchObject({ event_id: '3', code: 400 });
    expect((await twin()).level?.actual?.value).toBe('80');
  });

  it('reads values that the hub keeps sealed, and only those of its node', async () => {
    const spec = { type: 'data' as const, nodes: ['site'], properties: { pin: PIN } };
    const shown = await hub.client.call(endpoints.secrets.put, { ...params('plc'), body: { labels: {}, spec } });
    expect(JSON.stringify(shown)).not.toContain(PIN);
    const elsewhere = { type: 'data' as const, nodes: [], properties: { pin: '0815' } };
    await hub.client.call(endpoints.secrets.put, { ...params('other'), body: { labels: {}, spec: elsewhere } });
    const lamp = await connect('lamp-3');
    const answers: string[] = [];
    lamp.on('message', (from, payload) => answers.push(`${from.split('/')[5] ?? ''} ${payload.toString()}`));
    await lamp.subscribeAsync(PLAINTEXT, { qos: 1 });
    const ask = (property: string): Promise<unknown> =>
      lamp.publishAsync(`$hw/default/encryptdatas/plc/properties/${property}/decrypt`, '', { qos: 1 });
    await until(
      async () => {
        await ask('pin');
        return answers.includes(`pin {"ret_code":200,"plain_text":"${PIN}"}`);
      },
      { everyMs: 200, describe: () => `the value; heard ${answers.join()}` },
    );
    await ask('puk');
    await until(() => answers.some((line) => line.startsWith('puk {"ret_code":400')));
    expect(agent.program.output + hub.program.output).not.toContain(PIN);
  });

  it('is cut off when its certificate is revoked, and does not come back', async () => {
    const lamp = await connect('lamp-4');
    const closed = once(lamp as never, 'close');
    const { items } = await hub.client.call(endpoints.devices.certificates, params('lamp'));
    const [{ serial } = { serial: '' }] = items;
    await hub.client.call(endpoints.certificates.revoke, { params: { project: 'default', serial }, body: {} });
    await closed;
    await expect(connect('lamp-5')).rejects.toThrow();
  });
});
