import type { Clause } from '../clause.js';
import { field, FIRST, frame, u16, unsubscribe } from '../client/bytes.js';
import { has, same } from '../client/check.js';
import { closing } from './closing.js';
import { owes } from './persistent.js';

export const unsubscribing: readonly Clause[] = [
  {
    clause: 'MQTT-3.10.4-4',
    title: 'UNSUBACK carries the packet id of UNSUBSCRIBE',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 0);
      for (const id of [1, 513, 65_535]) {
        client.write(unsubscribe(id, scene.topic('x')));
        same('packet id', (await client.expect('unsuback')).messageId, id);
      }
    },
  },
  {
    clause: 'MQTT-3.10.4-5',
    title: 'UNSUBSCRIBE from what was never subscribed is acknowledged',
    async run(scene) {
      const client = await scene.client('a');
      await client.unsubscribe(scene.topic('never'), scene.topic('ever/#'));
    },
  },
  {
    clause: 'MQTT-3.10.4-2',
    title: 'after UNSUBACK no message comes any more',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1);
      await client.unsubscribe(scene.topic('x'));
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      await scene.nothingFor(client);
    },
  },
  {
    clause: 'MQTT-3.10.4-2',
    title: 'a persistent session forgets what was unsubscribed',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1, { clean: false });
      await client.unsubscribe(scene.topic('x'));
      await client.disconnect();
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      await scene.nothingFor(await scene.client('a', { clean: false }));
    },
  },
  {
    clause: 'MQTT-3.10.4-1',
    title: 'UNSUBSCRIBE compares filters character by character: a wildcard removes no other filter',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 0);
      await client.unsubscribe(scene.topic('#'), scene.topic('+'), scene.topic('X'), scene.topic('x/'));
      await scene.publishes(scene.topic('x'), 'still');
      has('message', await client.message(), { payload: 'still' });
    },
  },
  {
    clause: 'MQTT-3.10.4-1',
    title: 'UNSUBSCRIBE from a topic leaves the wildcard that matches it',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('#'), 0);
      await client.unsubscribe(scene.topic('x'));
      await scene.publishes(scene.topic('x'), 'still');
      has('message', await client.message(), { payload: 'still' });
    },
  },
  {
    clause: 'MQTT-3.10.4-6',
    title: 'UNSUBSCRIBE with several filters removes each and is answered once',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 0);
      await client.subscribe(scene.topic('y'), 0);
      await client.subscribe(scene.topic('z'), 0);
      await client.unsubscribe(scene.topic('x'), scene.topic('nothing'), scene.topic('y'));
      for (const name of ['x', 'y', 'z']) await scene.publishes(scene.topic(name), name);
      has('message', await client.message(), { payload: 'z' });
      await scene.nothingFor(client);
      same('more UNSUBACKs', client.inbox.takeAll((packet) => packet.cmd === 'unsuback').length, 0);
    },
  },
  {
    clause: 'MQTT-3.10.4-3',
    title: 'UNSUBSCRIBE does not end a delivery of QoS 2 that was begun',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 2);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      const { id } = await client.message();
      await client.unsubscribe(scene.topic('x'));
      client.send({ cmd: 'pubrec', messageId: id ?? 0 });
      same('packet id', (await client.expect('pubrel')).messageId, id);
    },
  },
  {
    clause: 'MQTT-3.10.4-3',
    title: 'a message of QoS 1 in flight is sent again after UNSUBSCRIBE and a reconnect',
    async run(scene) {
      const { client } = await owes(scene, 1);
      await client.unsubscribe(scene.topic('x'));
      await client.drop();
      const again = await scene.client('a', { clean: false });
      has('message', await again.accept(), { payload: 'm', dup: true });
    },
  },
  {
    clause: 'MQTT-3.10.1-1',
    title: 'UNSUBSCRIBE with wrong reserved flags closes the connection',
    async run(scene) {
      for (const first of [0xa0, 0xa1, 0xa3, 0xa6, 0xaa]) {
        const client = await scene.client('a');
        await client.isClosedBy(frame(first, u16(1), field(scene.topic('x'))));
      }
    },
  },
  closing('MQTT-3.10.3-2', 'UNSUBSCRIBE without a filter', frame(FIRST.unsubscribe, u16(1))),
  closing('MQTT-2.3.1-1', 'UNSUBSCRIBE with packet id 0', (scene) => unsubscribe(0, scene.topic('x'))),
  closing('MQTT-4.7.3-1', 'UNSUBSCRIBE from an empty filter', unsubscribe(1, '')),
];
