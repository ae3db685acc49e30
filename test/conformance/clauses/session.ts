import type { Clause } from '../clause.js';
import { has, same } from '../client/check.js';
import { AWAY, leaves, owes } from './persistent.js';

export const sessions: readonly Clause[] = [
  {
    clause: 'MQTT-3.2.2-1',
    title: 'a clean session is never present, even after a stored one',
    async run(scene) {
      await leaves(scene, 1);
      has('connack', (await scene.client('a', { clean: true })).connack, { sessionPresent: false });
    },
  },
  {
    clause: 'MQTT-3.2.2-2',
    title: 'a stored session is present',
    async run(scene) {
      await leaves(scene, 1);
      has('connack', (await scene.client('a', AWAY)).connack, { sessionPresent: true });
    },
  },
  {
    clause: 'MQTT-3.2.2-2',
    title: 'a stored session without any subscription is present',
    async run(scene) {
      await (await scene.client('a', AWAY)).disconnect();
      has('connack', (await scene.client('a', AWAY)).connack, { sessionPresent: true });
    },
  },
  {
    clause: 'MQTT-3.2.2-3',
    title: 'a session that nobody stored is not present',
    async run(scene) {
      has('connack', (await scene.client('a', AWAY)).connack, { sessionPresent: false });
    },
  },
  {
    clause: 'MQTT-3.1.2-6',
    title: 'a clean session leaves no session behind',
    async run(scene) {
      await leaves(scene, 1);
      await (await scene.client('a', { clean: true })).disconnect();
      const again = await scene.client('a', AWAY);
      has('connack', again.connack, { sessionPresent: false });
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      await scene.nothingFor(again);
    },
  },
  {
    clause: 'MQTT-3.1.2-6',
    title: 'a clean session discards the messages that waited for the old one',
    async run(scene) {
      await leaves(scene, 1);
      await scene.publishes(scene.topic('x'), 'lost', { qos: 1 });
      const clean = await scene.client('a', { clean: true });
      await scene.nothingFor(clean);
      await clean.disconnect();
      await scene.nothingFor(await scene.client('a', AWAY));
    },
  },
  ...([1, 2] as const).map((qos): Clause => ({
    clause: 'MQTT-3.1.2-5',
    title: `messages of QoS ${qos} wait for a session that is away and come in their order, once`,
    async run(scene) {
      await leaves(scene, qos);
      const publisher = await scene.client('p');
      const wanted = Array.from({ length: 30 }, (_, at) => String(at));
      for (const payload of wanted) await publisher.publish(scene.topic('x'), payload, { qos });
      const again = await scene.client('a', AWAY);
      same('payloads', await again.acceptMany(wanted.length), wanted);
      await scene.nothingFor(again);
    },
  })),
  ...([1, 2] as const).map((qos): Clause => ({
    clause: 'MQTT-3.3.1-1',
    title: `a message of QoS ${qos} that waited is sent for the first time with DUP 0`,
    async run(scene) {
      await leaves(scene, qos);
      await scene.publishes(scene.topic('x'), 'm', { qos });
      has('message', await (await scene.client('a', AWAY)).accept(), { payload: 'm', dup: false, qos });
    },
  })),
  {
    clause: 'MQTT-3.8.4-6',
    title: 'a message that waits has at most the QoS of the subscription',
    async run(scene) {
      await leaves(scene, 1);
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      has('message', await (await scene.client('a', AWAY)).accept(), { payload: 'm', qos: 1 });
    },
  },
  {
    clause: 'MQTT-3.1.2-4',
    title: 'a subscription of a resumed session works without subscribing again',
    async run(scene) {
      await leaves(scene, 2);
      const again = await scene.client('a', AWAY);
      for (const qos of [0, 1, 2] as const) {
        await scene.publishes(scene.topic('x'), `q${qos}`, { qos });
        has('message', await again.accept(), { payload: `q${qos}`, qos });
      }
    },
  },
  {
    clause: 'MQTT-4.1.0-1',
    title: 'a session is kept after the connection was cut without DISCONNECT',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1, AWAY);
      await client.drop();
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      const again = await scene.client('a', AWAY);
      has('connack', again.connack, { sessionPresent: true });
      has('message', await again.accept(), { payload: 'm' });
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBLISH of QoS 1 without PUBACK is sent again with DUP and the same packet id',
    async run(scene) {
      const { client, id } = await owes(scene, 1);
      await client.drop();
      has('redelivery', await (await scene.client('a', AWAY)).accept(), { payload: 'm', qos: 1, dup: true, id });
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBLISH of QoS 1 without PUBACK is sent again after DISCONNECT too',
    async run(scene) {
      const { client, id } = await owes(scene, 1);
      await client.disconnect();
      has('redelivery', await (await scene.client('a', AWAY)).accept(), { payload: 'm', qos: 1, dup: true, id });
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBLISH of QoS 1 is sent again at every reconnect until its PUBACK',
    async run(scene) {
      const { client, id } = await owes(scene, 1);
      await client.drop();
      for (let turn = 0; turn < 3; turn += 1) {
        const again = await scene.client('a', AWAY);
        has('redelivery', await again.message(), { payload: 'm', dup: true, id });
        await again.drop();
      }
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBLISH of QoS 2 without PUBREC is sent again with DUP and the same packet id',
    async run(scene) {
      const { client, id } = await owes(scene, 2);
      await client.drop();
      has('redelivery', await (await scene.client('a', AWAY)).accept(), { payload: 'm', qos: 2, dup: true, id });
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'PUBREL without PUBCOMP is sent again with the same packet id, its PUBLISH is not',
    async run(scene) {
      const { client, id } = await owes(scene, 2);
      client.send({ cmd: 'pubrec', messageId: id });
      await client.expect('pubrel');
      await client.drop();
      const again = await scene.client('a', AWAY);
      same('packet id of PUBREL', (await again.expect('pubrel')).messageId, id);
      again.send({ cmd: 'pubcomp', messageId: id });
      await scene.nothingFor(again);
    },
  },
  {
    clause: 'MQTT-4.6.0-1',
    title: 'messages that are sent again come in their first order, before what waited',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1, AWAY);
      const publisher = await scene.client('p');
      for (const payload of ['1', '2', '3']) await publisher.publish(scene.topic('x'), payload, { qos: 1 });
      for (let turn = 0; turn < 3; turn += 1) await client.message();
      await client.drop();
      for (const payload of ['4', '5']) await publisher.publish(scene.topic('x'), payload, { qos: 1 });
      same('payloads', await (await scene.client('a', AWAY)).acceptMany(5), ['1', '2', '3', '4', '5']);
    },
  },
  {
    clause: 'MQTT-3.1.2-4',
    title: 'two sessions that are away each get their copy',
    async run(scene) {
      for (const name of ['a', 'b']) {
        const client = await scene.client(name, AWAY);
        await client.subscribe(scene.topic('x'), 1);
        await client.disconnect();
      }
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      for (const name of ['a', 'b']) has(name, await (await scene.client(name, AWAY)).accept(), { payload: 'm' });
    },
  },
  {
    clause: 'MQTT-3.3.5-1',
    title: 'overlapping subscriptions of a session that is away deliver with the highest QoS',
    async run(scene) {
      const client = await scene.client('a', AWAY);
      await client.subscribe([
        { topic: scene.topic('x'), qos: 1 },
        { topic: scene.topic('#'), qos: 2 },
        { topic: scene.topic('+'), qos: 0 },
      ]);
      await client.disconnect();
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      const again = await scene.client('a', AWAY);
      const came = await scene.messagesOf(again);
      same('highest QoS', Math.max(-1, ...came.map(({ qos }) => qos)), 2);
    },
  },
  {
    clause: 'MQTT-4.3.3-1',
    title: 'every copy that overlapping subscriptions of a session that is away give can be acknowledged',
    async run(scene) {
      const client = await scene.client('a', AWAY);
      await client.subscribe([
        { topic: scene.topic('x'), qos: 2 },
        { topic: scene.topic('#'), qos: 2 },
        { topic: scene.topic('+'), qos: 1 },
      ]);
      await client.disconnect();
      await scene.publishes(scene.topic('x'), 'm', { qos: 2 });
      const again = await scene.client('a', AWAY);
      await again.accept();
      await again.ping();
      while (again.inbox.has('publish')) {
        await again.accept();
        await again.ping();
      }
      await again.drop();
      await scene.nothingFor(await scene.client('a', AWAY));
    },
  },
];
