import type { Clause } from '../clause.js';
import { publish } from '../client/bytes.js';
import { has, must, same } from '../client/check.js';

export const qos1: readonly Clause[] = [
  {
    clause: 'MQTT-2.3.1-6',
    title: 'PUBACK carries the packet id of the PUBLISH',
    async run(scene) {
      const client = await scene.client('a');
      for (const messageId of [1, 77, 65_535]) {
        client.write(publish({ flags: 2, topic: scene.topic('x'), id: messageId, payload: '' }));
        same('packet id', (await client.expect('puback')).messageId, messageId);
      }
    },
  },
  {
    clause: 'MQTT-4.3.2-2',
    title: 'every PUBLISH of QoS 1 is acknowledged, in the order of arrival',
    async run(scene) {
      const client = await scene.client('a');
      const ids = Array.from({ length: 50 }, (_, at) => at + 1);
      for (const messageId of ids)
        client.write(publish({ flags: 2, topic: scene.topic('x'), id: messageId, payload: '' }));
      const acks: (number | undefined)[] = [];
      for (let turn = 1; turn <= ids.length; turn += 1) acks.push((await client.expect('puback')).messageId);
      same('packet ids', acks, ids);
    },
  },
  {
    clause: 'MQTT-4.3.2-2',
    title: 'PUBLISH of QoS 1 without any subscriber is acknowledged',
    async run(scene) {
      await scene.publishes(scene.topic('nobody'), 'x', { qos: 1 });
    },
  },
  {
    clause: 'MQTT-4.3.2-2',
    title: 'a packet id that was acknowledged is a new message, even with DUP',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      const client = await scene.client('a');
      await client.publish(scene.topic('x'), 'first', { qos: 1, messageId: 5 });
      await client.publish(scene.topic('x'), 'second', { qos: 1, messageId: 5, dup: true });
      same('payloads', await reader.acceptMany(2), ['first', 'second']);
    },
  },
  {
    clause: 'MQTT-4.3.2-1',
    title: 'a message of QoS 1 goes out with DUP 0 and a packet id that is not 0',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      const message = await reader.message();
      has('message', message, { qos: 1, dup: false });
      must((message.id ?? 0) > 0, `the packet id was ${message.id ?? 'missing'}`);
    },
  },
  {
    clause: 'MQTT-2.3.1-4',
    title: 'messages in flight to one client have different packet ids',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      const publisher = await scene.client('a');
      for (const name of ['a', 'b', 'c', 'd', 'e']) await publisher.publish(scene.topic('x'), name, { qos: 1 });
      const ids = new Set<number | undefined>();
      for (let count = 0; count < 5; count += 1) ids.add((await reader.message()).id);
      same('different ids', ids.size, 5);
    },
  },
  {
    clause: 'MQTT-4.3.2-1',
    title: 'a message that was acknowledged is not sent again after a reconnect',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1, { clean: false });
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      await reader.accept();
      await reader.ping();
      await reader.drop();
      await scene.nothingFor(await scene.client('reader', { clean: false }));
    },
  },
  {
    clause: '4.4',
    title: 'PUBACK for an unknown packet id does no harm to others',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      const stray = await scene.client('a');
      stray.send({ cmd: 'puback', messageId: 4711 });
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      has('message', await reader.accept(), { payload: 'm' });
    },
  },
  {
    clause: 'MQTT-2.3.1-4',
    title: 'the packet id of a message in flight is not used again, even after 65535 others',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      await scene.publishes(scene.topic('x'), 'held', { qos: 1 });
      const { id: held } = await reader.message();
      const publisher = await scene.client('p');
      const batch = Array.from({ length: 500 }, (_, at) =>
        publish({ flags: 2, topic: scene.topic('x'), id: at + 1, payload: '' }),
      );
      for (let sent = 0; sent <= 65_535; sent += batch.length) {
        publisher.write(...batch);
        for (let turn = 1; turn <= batch.length; turn += 1)
          must((await reader.accept()).id !== held, 'the packet id in flight was used again');
        publisher.inbox.takeAll((packet) => packet.cmd === 'puback');
      }
    },
  },
];
