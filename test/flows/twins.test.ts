import { type DeviceStatus, endpoints } from '@selvage/protocol';
import { freePort, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program, run } from '../stage/process.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';
import { TwinSite, wantedDevice } from '../stage/twin-site.js';

const MS = expect.any(Number) as unknown;
const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown;
const value = (text: string) => ({ value: text, metadata: { timestamp: MS } });
const DEVICE = '$hw/events/device/dev-1';
const NODE = '$hw/events/node/node-1';

/** A device that does an update with QoS 1 over paho, waits for its acknowledgement, and says what it got. */
const PAHO = `
import json, sys, threading, paho.mqtt.client as mqtt
port, topic, payload = int(sys.argv[1]), sys.argv[2], sys.argv[3]
got, ready = threading.Event(), threading.Event()
client = mqtt.Client(client_id='paho')
client.on_subscribe = lambda *_: ready.set()
def on_message(_client, _data, message):
    print(json.dumps({'qos': message.qos, 'retain': bool(message.retain), 'body': json.loads(message.payload)}))
    got.set()
client.on_message = on_message
client.connect('127.0.0.1', port)
client.loop_start()
client.subscribe(topic + '/result', qos=1)
assert ready.wait(10)
sent = client.publish(topic, payload, qos=1)
sent.wait_for_publish(10)
assert sent.is_published() and got.wait(10)
client.disconnect()
`;

/** The golden flow of devices that were written for IEF, with the clients that such devices use. */
describe('the twin of a device', () => {
  const site = new TwinSite();
  let listener: Program;
  let seen = 0;

  /** Messages since the last look, when there are as many. */
  const heard = async (count: number): Promise<{ topic: string; body: unknown }[]> => {
    const all = (): { topic: string; body: unknown }[] =>
      listener.output
        .split('\n')
        .filter((line) => line.startsWith('$hw') && line.endsWith('}'))
        .map((line) => line.split(/ (.*)/))
        .map(([topic = '', body = '']) => ({ topic, body: JSON.parse(body) as unknown }));
    await until(() => all().length >= seen + count, {
      timeoutMs: 20_000,
      describe: () => `${count} messages; heard ${listener.output.slice(-2000)}; ${site.output}`,
    });
    const news = all().slice(seen);
    seen += news.length;
    return news;
  };
  const publish = async (topic: string, body: string | object): Promise<void> => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    const at = ['-h', '127.0.0.1', '-p', String(site.port)];
    const { code, output } = await run(['mosquitto_pub', ...at, '-q', '1', '-t', topic, '-m', payload]);
    expect(code, output).toBe(0);
  };

  beforeAll(async () => {
    await site.start();
    const at = ['-h', '127.0.0.1', '-p', String(site.port)];
    const down = ['result', 'document', 'delta', 'updated'].flatMap((end) => [
      ...['-t', `$hw/events/device/+/${end}`, '-t', `$hw/events/device/+/+/${end}`],
      ...['-t', `$hw/events/device/+/+/+/${end}`, '-t', `$hw/events/node/+/+/${end}`],
    ]);
    const members = ['-t', '$hw/events/node/+/membership/get/result'];
    listener = new Program('mosquitto_sub', [
      'stdbuf',
      '-oL',
      'mosquitto_sub',
      ...at,
      '-d',
      '-v',
      '-q',
      '1',
      ...down,
      ...members,
    ]);
    listener.start();
    await until(() => listener.output.includes('Subscribed'), { describe: () => listener.output });
  });
  afterAll(async () => {
    await listener.stop();
    await site.close();
  });

  it('is announced when the hub binds the device, in the order that clients know', async () => {
    const wish = (text: string) => ({ value: text, version: { cloud: 1, edge: 0 } });
    site.want({
      devices: {
        devices: [
          wantedDevice('dev-1', {
            ...{ name: 'IEF-device', description: 'lamp' },
            properties: {
              state: { type: 'string', access: 'rw', description: '', optional: false },
              temp: { type: 'int', access: 'rw', description: '', optional: true },
            },
            attributes: { address: { value: 'shenzhen', type: 'string', optional: true } },
          }),
        ],
        clients: [],
      },
      twins: { devices: [{ id: 'dev-1', expected: { state: wish('running'), temp: wish('20') } }] },
    });
    const state = { expected: value('running'), optional: false, metadata: { type: 'string' } };
    const temp = { expected: value('20'), optional: true, metadata: { type: 'int' } };
    const attributes = { address: { value: 'shenzhen', optional: true, metadata: { type: 'string' } } };
    const head = { id: 'dev-1', name: 'IEF-device', description: 'lamp', state: 'unknown', attributes };
    const twin = { state: { last: null, current: state }, temp: { last: null, current: temp } };
    expect(await heard(4)).toEqual([
      { topic: `${DEVICE}/twin/update/document`, body: { event_id: '', timestamp: MS, twin } },
      {
        topic: `${DEVICE}/twin/update/delta`,
        body: { event_id: UUID, timestamp: MS, twin: { state, temp }, delta: { state: 'running', temp: '20' } },
      },
      { topic: `${DEVICE}/updated`, body: { event_id: '', timestamp: MS, attributes } },
      {
        topic: `${NODE}/membership/updated`,
        body: {
          ...{ event_id: UUID, timestamp: MS, removed_devices: null },
          added_devices: [{ ...head, twin: { state, temp } }],
        },
      },
    ]);
    await publish(`${NODE}/membership/get`, { event_id: 'm1' });
    expect(await heard(1)).toEqual([
      { topic: `${NODE}/membership/get/result`, body: { event_id: 'm1', timestamp: MS, devices: [head] } },
    ]);
  });

  it('is read and updated as IEF describes it', async () => {
    const state = { expected: value('running'), optional: false, metadata: { type: 'string' } };
    const temp = { expected: value('20'), optional: true, metadata: { type: 'int' } };
    await publish(`${DEVICE}/twin/get`, { event_id: 'g1', timestamp: 0 });
    expect(await heard(1)).toEqual([
      { topic: `${DEVICE}/twin/get/result`, body: { event_id: 'g1', timestamp: MS, twin: { state, temp } } },
    ]);
    await publish(`${DEVICE}/twin/update`, {
      event_id: 'u1',
      timestamp: 0,
      twin: { state: { actual: { value: 'stop' } } },
    });
    const stopped = { ...state, actual: value('stop') };
    const only = { actual: value('stop'), optional: false, metadata: { type: 'string' } };
    expect(await heard(3)).toEqual([
      { topic: `${DEVICE}/twin/update/result`, body: { event_id: 'u1', timestamp: MS, twin: { state: only } } },
      {
        topic: `${DEVICE}/twin/update/document`,
        body: { event_id: 'u1', timestamp: MS, twin: { state: { last: state, current: stopped } } },
      },
      {
        topic: `${DEVICE}/twin/update/delta`,
        body: {
          event_id: UUID,
          timestamp: MS,
          twin: { state: stopped, temp },
          delta: { state: 'running', temp: '20' },
        },
      },
    ]);
  });

  it('has no delta when all is as expected', async () => {
    const twin = { state: { actual: { value: 'running' } }, temp: { actual: { value: '20' } } };
    await publish(`${DEVICE}/twin/update`, { event_id: 'u2', twin });
    await publish(`${DEVICE}/state/update`, { event_id: 's1', state: 'online' });
    const topics = (await heard(3)).map(({ topic }) => topic.slice(DEVICE.length + 1));
    expect(topics).toEqual(['twin/update/result', 'twin/update/document', 'state/update/result']);
  });

  it('gains and loses keys, and says what is wrong on its own topic', async () => {
    await publish(`${DEVICE}/twin/update`, { event_id: 'a1', twin: { color: { actual: { value: 'red' } } } });
    await publish(`${DEVICE}/twin/update`, { event_id: 'd1', twin: { color: null } });
    await publish(`${DEVICE}/twin/update`, '{"event_id":"x1","twin":{"temp":{"actual":{"value":20}}}}');
    await publish(`${DEVICE}/twin/update`, { event_id: 'x2', twin: { temp: { actual: { value: 'abc' } } } });
    await publish('$hw/events/device/ghost/twin/update', { event_id: 'x3', twin: {} });
    const results = (await heard(7)).filter(({ topic }) => topic.endsWith('/result'));
    expect(results.map(({ body }) => body)).toMatchObject([
      { event_id: 'a1', twin: { color: { actual: { value: 'red' }, optional: true, metadata: { type: 'string' } } } },
      { event_id: 'd1', twin: { color: null } },
      { event_id: 'x1', code: 400, reason: 'Unmarshal update request body failed, please check the request' },
      { event_id: 'x2', code: 400, reason: 'the value is not int or integer' },
      { event_id: 'x3', code: 404, reason: 'update rejected due to the device is not existed' },
    ]);
    expect(results.at(-1)?.topic).toBe('$hw/events/device/ghost/twin/update/result');
  });

  it('is the same over paho with QoS 1, and is there after the process was killed', async () => {
    const update = (n: string): string => JSON.stringify({ event_id: n, twin: { n: { actual: { value: n } } } });
    const paho = (payload: string) =>
      run(['/usr/bin/python3', '-c', PAHO, String(site.port), `${DEVICE}/twin/update`, payload]);
    const first = await paho(update('1'));
    expect(first.code, first.output).toBe(0);
    expect(JSON.parse(first.output)).toMatchObject({
      qos: 1,
      retain: false,
      body: { event_id: '1', twin: { n: { actual: { value: '1' } } } },
    });
    await site.killAndStart();
    const again = await run([
      ...['/usr/bin/python3', '-c', PAHO, String(site.port), `${DEVICE}/twin/get`],
      JSON.stringify({ event_id: 'g', versions: true }),
    ]);
    expect(JSON.parse(again.output)).toMatchObject({
      body: { twin: { n: { actual: { value: '1' }, actual_version: { cloud: 0, edge: 1 } } } },
    });
  });
});

/** The same with a hub and an agent as they are. */
describe('a device of a node', () => {
  const hub = new HubProcess();
  let agent: AgentProcess;
  let port = 0;

  const status = async (): Promise<DeviceStatus> =>
    (await hub.client.call(endpoints.devices.get, params('lamp'))).status;
  const isAtHub = (is: (seen: DeviceStatus) => boolean): Promise<void> =>
    until(async () => is(await status()), {
      timeoutMs: 20_000,
      describe: async () => `${JSON.stringify(await status())}\n${agent.program.output.slice(-3000)}`,
    });
  const at = (): string[] => ['-h', '127.0.0.1', '-p', String(port)];
  const tell = async (of: string, body: object): Promise<void> => {
    const topic = `$hw/events/device/lamp/${of}`;
    const payload = JSON.stringify({ event_id: 'e', ...body });
    const { code, output } = await run(['mosquitto_pub', ...at(), '-q', '1', '-t', topic, '-m', payload]);
    expect(code, output).toBe(0);
  };
  const power = (value: string): object => ({ twin: { power: { actual: { value } } } });

  beforeAll(async () => {
    port = await freePort();
    agent = new AgentProcess('lit', {
      ...{ SELVAGE_MQTT_PLAIN: '1', SELVAGE_MQTT_PLAIN_PORT: String(port) },
      ...{ SELVAGE_MQTT_PORT: '0', SELVAGE_MQTT_WEBSOCKET_PORT: '0' },
    });
    await hub.start();
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('lit', 'ready');
    const spec = { node: 'lit', properties: { power: { type: 'string' } } };
    await hub.client.call(endpoints.devices.put, { ...params('lamp'), body: { labels: {}, spec } as never });
  });
  afterAll(async () => {
    await agent.close();
    await hub.close();
  });

  it('gets what the hub expects of it, and the hub sees what it reports', async () => {
    await hub.client.call(endpoints.devices.expected, { ...params('lamp'), body: { power: 'on' } });
    const get = ['/usr/bin/python3', '-c', PAHO, String(port), '$hw/events/device/lamp/twin/get', '{}'];
    await until(async () => (await run(get)).output.includes('"expected": {"value": "on"'), {
      describe: () => agent.program.output.slice(-3000),
    });
    await tell('twin/update', power('on'));
    await tell('state/update', { state: 'online' });
    await isAtHub(({ state, twin }) => state === 'online' && twin.power?.actual?.value === 'on');
    expect((await status()).twin.power).toMatchObject({ pending: false, expected: { value: 'on' } });
  });

  it('reports on while the hub is away, and the hub sees it when it is back, agent killed in between or not', async () => {
    await hub.program.stop('SIGKILL');
    await tell('twin/update', power('dim'));
    await agent.program.stop('SIGKILL');
    agent.program.start();
    await until(async () => (await run(['mosquitto_pub', ...at(), '-t', 'probe', '-n'])).code === 0);
    await tell('twin/update', { twin: { level: { actual: { value: '7' } } } });
    await hub.restart('SIGKILL');
    await isAtHub(({ twin }) => twin.power?.actual?.value === 'dim' && twin.level?.actual?.value === '7');
  });
});
