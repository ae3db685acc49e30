import type { Clause } from '../clause.js';
import { publish } from '../client/bytes.js';
import { has, must, same } from '../client/check.js';
import type { Peer } from '../client/peer.js';

/** Sends a PUBLISH of QoS 2 and waits for its PUBREC. */
async function begin(peer: Peer, of: { topic: string; id: number; payload: string; dup?: boolean }): Promise<void> {
  peer.write(publish({ flags: of.dup === true ? 12 : 4, topic: of.topic, id: of.id, payload: of.payload }));
  same('packet id of PUBREC', (await peer.expect('pubrec')).messageId, of.id);
}

async function release(peer: Peer, messageId: number): Promise<void> {
  peer.send({ cmd: 'pubrel', messageId });
  same('packet id of PUBCOMP', (await peer.expect('pubcomp')).messageId, messageId);
}

export const qos2: readonly Clause[] = [
  {
    clause: 'MQTT-2.3.1-6',
    title: 'PUBREC and PUBCOMP carry the packet id of the PUBLISH',
    async run(scene) {
      const client = await scene.client('a');
      for (const id of [1, 300, 65_535]) {
        await begin(client, { topic: scene.topic('x'), id, payload: 'm' });
        await release(client, id);
      }
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'a PUBLISH of QoS 2 sent twice before PUBREL is delivered once',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a');
      await begin(client, { topic: scene.topic('x'), id: 9, payload: 'once' });
      await begin(client, { topic: scene.topic('x'), id: 9, payload: 'once', dup: true });
      await release(client, 9);
      has('message', await reader.accept(), { payload: 'once' });
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'a PUBLISH of QoS 2 sent again after a reconnect is delivered once',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a', { clean: false });
      await begin(client, { topic: scene.topic('x'), id: 9, payload: 'once' });
      await client.drop();
      const again = await scene.client('a', { clean: false });
      await begin(again, { topic: scene.topic('x'), id: 9, payload: 'once', dup: true });
      await release(again, 9);
      has('message', await reader.accept(), { payload: 'once' });
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBREL after a reconnect ends what was begun before it',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a', { clean: false });
      await begin(client, { topic: scene.topic('x'), id: 3, payload: 'm' });
      await client.drop();
      await release(await scene.client('a', { clean: false }), 3);
      has('message', await reader.accept(), { payload: 'm' });
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'a packet id that was completed is a new message',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a');
      for (const payload of ['first', 'second']) {
        await begin(client, { topic: scene.topic('x'), id: 4, payload });
        await release(client, 4);
      }
      same('payloads', await reader.acceptMany(2), ['first', 'second']);
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'a PUBREL sent twice is answered twice and delivers once',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a');
      await begin(client, { topic: scene.topic('x'), id: 4, payload: 'once' });
      await release(client, 4);
      await release(client, 4);
      await reader.accept();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.2-6',
    title: 'a clean session forgets a PUBLISH of QoS 2 that was begun: its id is a new message',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a', { clean: false });
      await begin(client, { topic: scene.topic('x'), id: 6, payload: 'old' });
      await client.drop();
      const fresh = await scene.client('a', { clean: true });
      await begin(fresh, { topic: scene.topic('x'), id: 6, payload: 'new' });
      await release(fresh, 6);
      let last = '';
      while (last !== 'new') last = (await reader.accept()).payload;
    },
  },
  {
    clause: 'MQTT-4.3.3-1',
    title: 'a message of QoS 2 goes out with DUP 0 and a packet id; PUBREL carries the same id',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      const message = await reader.message();
      has('message', message, { qos: 2, dup: false });
      must((message.id ?? 0) > 0, 'there was no packet id');
      reader.send({ cmd: 'pubrec', messageId: message.id ?? 0 });
      same('packet id of PUBREL', (await reader.expect('pubrel')).messageId, message.id);
    },
  },
  {
    clause: 'MQTT-4.3.3-1',
    title: 'a message of QoS 2 that was completed is not sent again after a reconnect',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2, { clean: false });
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      await reader.accept();
      await reader.ping();
      await reader.drop();
      const again = await scene.client('reader', { clean: false });
      await scene.nothingFor(again);
      same('left', again.inbox.takeAll((packet) => packet.cmd === 'pubrel').length, 0);
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'PUBLISH packets of QoS 2 sent at once are all delivered once, in order',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a');
      const ids = Array.from({ length: 20 }, (_, at) => at + 1);
      client.write(...ids.map((id) => publish({ flags: 4, topic: scene.topic('x'), id, payload: String(id) })));
      for (let turn = 1; turn <= ids.length; turn += 1)
        client.send({ cmd: 'pubrel', messageId: (await client.expect('pubrec')).messageId ?? 0 });
      for (let turn = 1; turn <= ids.length; turn += 1) await client.expect('pubcomp');
      same('payloads', await reader.acceptMany(ids.length), ids.map(String));
    },
  },
];
