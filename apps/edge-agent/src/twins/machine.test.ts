import { deviceTopic, nodeTopic, storedTwin } from '@selvage/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handle, handleDevice } from './machine.js';
import { reportedDevice, twinFrom } from './report.js';
import { at, CLOUD_UPDATED, LAMP, lampNode, said, sync, update, wish } from './test-lamp.js';
import type { TwinNode } from './twin-node.js';

const TOPICS = [
  deviceTopic(LAMP, 'twin/update'),
  deviceTopic(LAMP, 'twin/get'),
  deviceTopic(LAMP, 'state/update'),
  deviceTopic('ghost', 'twin/update'),
  nodeTopic('node-1', 'membership/get'),
  CLOUD_UPDATED,
  `device/${LAMP}`,
  'node/node-1/membership',
  'node/node-1/membership/detail',
  'node/node-1/__proto__',
];
const node = sync(lampNode({ level: { type: 'int', max: 9 } }), { power: wish('on', 1) }).node;
const from = fc.constantFrom('mqtt' as const, 'cloud' as const);
const topic = fc.oneof(fc.constantFrom(...TOPICS), fc.string());

const KEYS = ['power', 'level', '__proto__', 'constructor', 'a b', ''];
const side = fc.oneof(fc.jsonValue(), fc.record({ value: fc.oneof(fc.constantFrom('1', 'on', ''), fc.jsonValue()) }));
const version = fc.oneof(fc.record({ cloud: fc.nat(3), edge: fc.nat(3) }), fc.jsonValue());
const sentKey = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      expected: side,
      actual: side,
      optional: fc.oneof(fc.boolean(), fc.jsonValue()),
      metadata: fc.oneof(fc.record({ type: fc.constantFrom('int', 'deleted', 'x') }), fc.jsonValue()),
      expected_version: version,
      actual_version: version,
      if_version: version,
    },
    { requiredKeys: [] },
  ),
);
const twin = fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string()), sentKey, { maxKeys: 4 });
const sentDevice = fc.record(
  { id: fc.oneof(fc.constantFrom(LAMP, 'new-1'), fc.jsonValue()), name: fc.jsonValue(), twin, attributes: twin },
  { requiredKeys: [] },
);
const body = fc.record(
  {
    event_id: fc.oneof(fc.string(), fc.jsonValue()),
    twin: fc.oneof(twin, fc.jsonValue()),
    state: fc.oneof(fc.constantFrom('online', 'OK'), fc.jsonValue()),
    attributes: fc.oneof(twin, fc.jsonValue()),
    added_devices: fc.oneof(fc.array(sentDevice, { maxLength: 3 }), fc.jsonValue()),
    removed_devices: fc.oneof(fc.array(sentDevice, { maxLength: 3 }), fc.jsonValue()),
    devices: fc.array(sentDevice, { maxLength: 3 }),
    if_version: version,
  },
  { requiredKeys: [] },
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.string(),
  fc.json(),
  body.map((value) => JSON.stringify(value)),
);

describe('the machine', () => {
  it('survives any bytes on any topic, and keeps only what it can store', () => {
    const bare = Object.getOwnPropertyNames(Object.prototype);
    fc.assert(
      fc.property(fc.array(fc.record({ from, topic, payload }), { maxLength: 6 }), (messages) => {
        let now: TwinNode = node;
        for (const [index, message] of messages.entries()) {
          const handled = handle(now, message, at(1000 + index));
          now = handled.node;
          JSON.stringify(handled.out);
        }
        for (const device of now.devices.values()) storedTwin.parse(reportedDevice(device).twin);
      }),
      { numRuns: 3000 },
    );
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(bare);
  });

  it('answers every client that asks something of a device, once', () => {
    const asked = fc.constantFrom(...(['twin/update', 'twin/get', 'state/update'] as const));
    fc.assert(
      fc.property(asked, payload, (of, bytes) => {
        const { out } = handle(node, { from: 'mqtt', topic: deviceTopic(LAMP, of), payload: bytes }, at(1));
        const answers = out.filter(({ topic: to }) => to === `${deviceTopic(LAMP, of)}/result`);
        expect(answers).toHaveLength(1);
        expect(answers[0]?.payload).toMatchObject({ event_id: expect.any(String) as unknown, timestamp: 1 });
      }),
      { numRuns: 1000 },
    );
  });

  it('says a delta exactly when a live key differs, after every update that changes something', () => {
    const value = fc.constantFrom('', 'a', 'b');
    const one = fc.record({ expected: fc.record({ value }), actual: fc.record({ value }) }, { requiredKeys: [] });
    const updates = fc.array(fc.dictionary(fc.constantFrom('x', 'y'), fc.option(one)), { maxLength: 6 });
    fc.assert(
      fc.property(updates, (all) => {
        let now = lampNode();
        for (const keys of all) {
          const handled = update(now, keys);
          const changed = handled.node !== now;
          now = handled.node;
          const differing = [...(now.devices.get(LAMP)?.twin ?? [])].filter(
            ([, { type, expected, actual }]) =>
              type !== 'deleted' && (expected?.value ?? '') !== '' && expected?.value !== actual?.value,
          );
          const delta = Object.fromEntries(differing.map(([key, { expected }]) => [key, expected?.value]));
          const wanted = changed && differing.length > 0 ? (expect.objectContaining({ delta }) as unknown) : undefined;
          expect(said(handled, 'update/delta')).toEqual(wanted);
        }
      }),
    );
  });

  it('does for one device what it does for the node', () => {
    const message = { device: node.devices.get(LAMP), payload: '{"twin":{"a":{"actual":{"value":"1"}}}}', by: LAMP };
    const outcome = handleDevice(deviceTopic(LAMP, 'twin/update'), message, at(5));
    const whole = handle(node, { from: 'mqtt', topic: deviceTopic(LAMP, 'twin/update'), ...message }, at(5));
    expect(whole.node.devices.get(LAMP)).toEqual(outcome?.device);
    expect(whole.out).toEqual(outcome?.out);
  });

  it.each(['$hw/events/node/other/membership/get', deviceTopic(LAMP, 'twin/get/result'), 'a/nodes/b/user/c', ''])(
    'is silent on %s',
    (to) => {
      expect(handle(node, { from: 'mqtt', topic: to, payload: '{}' }, at(1))).toMatchObject({ node, out: [] });
    },
  );

  it('comes back from what was stored', () => {
    const device = node.devices.get(LAMP);
    const stored = storedTwin.parse(JSON.parse(JSON.stringify(device && reportedDevice(device).twin)));
    expect(twinFrom(stored)).toEqual(device?.twin);
  });
});
