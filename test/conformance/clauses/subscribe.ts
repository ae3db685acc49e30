import type { Clause } from '../clause.js';
import { field, FIRST, frame, subscribe, u16 } from '../client/bytes.js';
import { has, same } from '../client/check.js';
import { closing } from './closing.js';

export const subscribing: readonly Clause[] = [
  {
    clause: 'MQTT-3.8.4-2',
    title: 'SUBACK carries the packet id of SUBSCRIBE',
    async run(scene) {
      const client = await scene.client('a');
      for (const id of [1, 513, 65_535]) {
        client.write(subscribe(id, scene.topic('x')));
        same('packet id', (await client.expect('suback')).messageId, id);
      }
    },
  },
  {
    clause: 'MQTT-3.9.3-1',
    title: 'SUBACK has one code per filter, in their order, as asked',
    async run(scene) {
      const client = await scene.client('a');
      const granted = await client.subscribe([
        { topic: scene.topic('two'), qos: 2 },
        { topic: scene.topic('zero'), qos: 0 },
        { topic: scene.topic('one'), qos: 1 },
        { topic: scene.topic('zero/#'), qos: 0 },
      ]);
      same('return codes', granted, [2, 0, 1, 0]);
    },
  },
  {
    clause: 'MQTT-3.8.4-4',
    title: 'one filter twice in a SUBSCRIBE gives two codes, and the last one holds',
    async run(scene) {
      const client = await scene.client('a');
      const topic = scene.topic('x');
      same(
        'return codes',
        await client.subscribe([
          { topic, qos: 2 },
          { topic, qos: 0 },
        ]),
        [2, 0],
      );
      await scene.publishes(topic, 'm', { qos: 1 });
      has('message', await client.message(), { qos: 0 });
      await scene.nothingFor(client);
    },
  },
  {
    clause: 'MQTT-3.8.4-4',
    title: 'all filters of one SUBSCRIBE are subscribed',
    async run(scene) {
      const client = await scene.client('a');
      const names = Array.from({ length: 100 }, (_, at) => `t${at}`);
      await client.subscribe(names.map((name) => ({ topic: scene.topic(name), qos: 0 })));
      for (const name of ['t0', 't50', 't99']) await scene.publishes(scene.topic(name), name);
      same('payloads', await client.acceptMany(3), ['t0', 't50', 't99']);
    },
  },
  {
    clause: 'MQTT-3.8.1-1',
    title: 'SUBSCRIBE with wrong reserved flags closes the connection',
    async run(scene) {
      for (const first of [0x80, 0x81, 0x83, 0x86, 0x8a]) {
        const client = await scene.client('a');
        await client.isClosedBy(frame(first, u16(1), field(scene.topic('x')), Buffer.from([0])));
      }
    },
  },
  closing('MQTT-3.8.3-3', 'SUBSCRIBE without a filter', frame(FIRST.subscribe, u16(1))),
  closing('MQTT-3-8.3-4', 'SUBSCRIBE with QoS 3', (scene) => subscribe(1, scene.topic('x'), 3)),
  ...[0x04, 0x08, 0x10, 0x40, 0x80].map((bits) => {
    const title = `SUBSCRIBE with the reserved bits 0x${bits.toString(16)} beside its QoS`;
    return closing('MQTT-3-8.3-4', title, (scene) => subscribe(1, scene.topic('x'), bits | 1));
  }),
  closing('MQTT-2.3.1-1', 'SUBSCRIBE with packet id 0', (scene) => subscribe(0, scene.topic('x'))),
  closing('MQTT-3.8.4-1', 'SUBSCRIBE that ends before its QoS', (scene) =>
    frame(FIRST.subscribe, u16(1), field(scene.topic('x'))),
  ),
  {
    clause: 'MQTT-4.8.0-1',
    title: 'a filter behind a broken one in the same SUBSCRIBE is not subscribed',
    async run(scene) {
      const client = await scene.client('a', { clean: false });
      const filters = [field(scene.topic('x')), Buffer.from([1]), field(scene.topic('y')), Buffer.from([3])];
      await client.isClosedBy(frame(FIRST.subscribe, u16(1), ...filters));
      const again = await scene.client('a', { clean: false });
      await scene.publishes(scene.topic('y'), 'y', { qos: 1 });
      await scene.nothingFor(again);
    },
  },
  {
    clause: 'MQTT-3.8.4-3',
    title: 'subscribing again replaces the QoS and gives no second copy',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 0);
      same('return code', await client.subscribe(scene.topic('x'), 2), [2]);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      has('message', await client.accept(), { qos: 2 });
      await scene.nothingFor(client);
    },
  },
  {
    clause: 'MQTT-3.8.4-3',
    title: 'subscribing again with a lower QoS lowers it',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 2);
      await client.subscribe(scene.topic('x'), 0);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      has('message', await client.message(), { qos: 0 });
    },
  },
  {
    clause: 'MQTT-3.8.4-3',
    title: 'subscribing again sends the retained message again',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 1, retain: true });
      const client = await scene.client('a');
      for (let turn = 0; turn < 2; turn += 1) {
        await client.subscribe(scene.topic('x'), 1);
        has('retained', await client.accept(), { payload: 'kept', retain: true });
      }
      await scene.nothingFor(client);
    },
  },
  {
    clause: 'MQTT-3.8.4-3',
    title: 'subscribing again loses no message in between',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1);
      const publisher = await scene.client('p');
      const wanted = Array.from({ length: 20 }, (_, at) => String(at));
      const publishing = (async () => {
        for (const payload of wanted) await publisher.publish(scene.topic('x'), payload, { qos: 1 });
      })();
      for (let turn = 0; turn < 10; turn += 1) await client.subscribe(scene.topic('x'), 1);
      await publishing;
      same('payloads', await client.acceptMany(wanted.length), wanted);
    },
  },
  {
    clause: 'MQTT-3.3.5-1',
    title: 'overlapping subscriptions deliver with the highest QoS of them at least once',
    async run(scene) {
      const client = await scene.client('a');
      await client.subscribe([
        { topic: scene.topic('x'), qos: 0 },
        { topic: scene.topic('#'), qos: 2 },
        { topic: scene.topic('+'), qos: 1 },
      ]);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      const came = await scene.messagesOf(client);
      same('highest QoS', Math.max(-1, ...came.map(({ qos }) => qos)), 2);
    },
  },
  {
    clause: '3.3.5',
    title: 'unsubscribing one of two overlapping filters leaves the other with its QoS',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 2);
      await client.subscribe(scene.topic('#'), 1);
      await client.unsubscribe(scene.topic('x'));
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      has('message', await client.accept(), { payload: 'm', qos: 1 });
      await scene.nothingFor(client);
    },
  },
];
