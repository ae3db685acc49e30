import type { Clause } from '../clause.js';
import { has, same } from '../client/check.js';
import { AWAY, leaves, owes } from './persistent.js';

/** What a session and a retained message keep when the broker itself ends. */
export const restarts: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.2-4',
    title: 'a session with its subscriptions outlives the broker',
    needs: 'durable',
    async run(scene) {
      await (await scene.client('a', AWAY)).subscribe(scene.topic('x'), 1);
      await scene.restart();
      const again = await scene.client('a', AWAY);
      has('connack', again.connack, { sessionPresent: true });
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      has('message', await again.accept(), { payload: 'm', qos: 1 });
    },
  },
  {
    clause: 'MQTT-3.1.2-5',
    title: 'messages that wait outlive the broker, in their order',
    needs: 'durable',
    async run(scene) {
      await leaves(scene, 2);
      for (const qos of [1, 2] as const) await scene.publishes(scene.topic('x'), `q${qos}`, { qos });
      await scene.restart();
      same('payloads', await (await scene.client('a', AWAY)).acceptMany(2), ['q1', 'q2']);
    },
  },
  {
    clause: 'MQTT-4.4.0-1',
    title: 'a message in flight outlives the broker with its packet id',
    needs: 'durable',
    async run(scene) {
      const { id } = await owes(scene, 1);
      await scene.restart();
      has('redelivery', await (await scene.client('a', AWAY)).accept(), { payload: 'm', dup: true, id });
    },
  },
  {
    clause: 'MQTT-4.3.3-2',
    title: 'a PUBLISH of QoS 2 that was begun before the broker ended is delivered once',
    needs: 'durable',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2, AWAY);
      await reader.disconnect();
      const sent = {
        cmd: 'publish',
        topic: scene.topic('x'),
        payload: 'once',
        qos: 2,
        retain: false,
        messageId: 8,
      } as const;
      const client = await scene.client('a', AWAY);
      client.send({ ...sent, dup: false });
      await client.expect('pubrec');
      await scene.restart();
      const again = await scene.client('a', AWAY);
      again.send({ ...sent, dup: true });
      await again.expect('pubrec');
      again.send({ cmd: 'pubrel', messageId: 8 });
      await again.expect('pubcomp');
      const back = await scene.client('reader', AWAY);
      has('message', await back.accept(), { payload: 'once' });
      await scene.nothingFor(back);
    },
  },
  {
    clause: 'MQTT-3.3.1-5',
    title: 'a retained message outlives the broker, a cleared one stays cleared',
    needs: 'durable',
    async run(scene) {
      await scene.publishes(scene.topic('kept'), 'kept', { qos: 1, retain: true });
      await scene.publishes(scene.topic('gone'), 'gone', { qos: 1, retain: true });
      await scene.publishes(scene.topic('gone'), '', { qos: 1, retain: true });
      await scene.restart();
      same(
        'payloads',
        (await scene.retainedAt(scene.topic('+'))).map(({ payload }) => payload),
        ['kept'],
      );
    },
  },
  {
    clause: 'MQTT-3.1.2-6',
    title: 'a clean session does not outlive the broker',
    needs: 'durable',
    async run(scene) {
      await (await scene.client('a', { clean: true })).subscribe(scene.topic('x'), 1);
      await scene.restart();
      has('connack', (await scene.client('a', AWAY)).connack, { sessionPresent: false });
    },
  },
];
