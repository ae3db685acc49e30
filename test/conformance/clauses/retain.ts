import type { Clause } from '../clause.js';
import { has, same } from '../client/check.js';

const QOS = [0, 1, 2] as const;

export const retaining: readonly Clause[] = [
  ...QOS.map((qos): Clause => ({
    clause: 'MQTT-3.3.1-5',
    title: `a retained message of QoS ${qos} is kept with its QoS for new subscriptions`,
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos, retain: true });
      const [kept, ...more] = await scene.retainedAt(scene.topic('x'));
      has('retained', kept ?? {}, { topic: scene.topic('x'), payload: 'kept', qos, retain: true, dup: false });
      same('more', more.length, 0);
    },
  })),
  {
    clause: 'MQTT-3.8.4-6',
    title: 'a retained message comes with at most the QoS of the subscription',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 2, retain: true });
      for (const qos of QOS) has('retained', (await scene.retainedAt(scene.topic('x'), qos))[0] ?? {}, { qos });
    },
  },
  {
    clause: 'MQTT-3.8.4-6',
    title: 'a retained message comes to a wildcard with at most the QoS of the subscription',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 2, retain: true });
      for (const qos of QOS) has('retained', (await scene.retainedAt(scene.topic('+'), qos))[0] ?? {}, { qos });
    },
  },
  {
    clause: 'MQTT-3.3.1-8',
    title: 'a retained message sent for a new subscription has RETAIN 1',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { retain: true });
      has('retained', (await scene.retainedAt(scene.topic('x')))[0] ?? {}, { retain: true });
    },
  },
  ...QOS.map((qos): Clause => ({
    clause: 'MQTT-3.3.1-9',
    title: `a message of QoS ${qos} published with retain comes to an existing subscription with RETAIN 0`,
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      await scene.publishes(scene.topic('x'), 'live', { qos, retain: true });
      has('live', await reader.accept(), { payload: 'live', retain: false });
    },
  })),
  {
    clause: 'MQTT-3.3.1-9',
    title: 'a message published with retain comes to a session that was away with RETAIN 0',
    async run(scene) {
      const away = await scene.subscriber('away', scene.topic('x'), 1, { clean: false });
      await away.disconnect();
      await scene.publishes(scene.topic('x'), 'live', { qos: 1, retain: true });
      has('live', await (await scene.client('away', { clean: false })).accept(), { payload: 'live', retain: false });
    },
  },
  {
    clause: 'MQTT-3.3.1-5',
    title: 'a new retained message replaces the old one',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'old', { qos: 1, retain: true });
      await scene.publishes(scene.topic('x'), 'new', { qos: 1, retain: true });
      same(
        'payloads',
        (await scene.retainedAt(scene.topic('x'))).map(({ payload }) => payload),
        ['new'],
      );
    },
  },
  {
    clause: 'MQTT-3.3.1-7',
    title: 'a retained message of QoS 0 replaces the old one of QoS 1',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'old', { qos: 1, retain: true });
      await scene.publishes(scene.topic('x'), 'new', { qos: 0, retain: true });
      same(
        'payloads',
        (await scene.retainedAt(scene.topic('x'))).map(({ payload }) => payload),
        ['new'],
      );
    },
  },
  {
    clause: 'MQTT-3.3.1-12',
    title: 'a message without retain neither replaces nor removes the retained one',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 1, retain: true });
      await scene.publishes(scene.topic('x'), 'live', { qos: 1 });
      await scene.publishes(scene.topic('x'), '', { qos: 1 });
      same(
        'payloads',
        (await scene.retainedAt(scene.topic('x'))).map(({ payload }) => payload),
        ['kept'],
      );
    },
  },
  {
    clause: 'MQTT-3.3.1-10',
    title: 'an empty retained message removes the retained one',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'old', { qos: 1, retain: true });
      await scene.publishes(scene.topic('x'), '', { qos: 1, retain: true });
      same('retained', await scene.retainedAt(scene.topic('x')), []);
    },
  },
  {
    clause: 'MQTT-3.3.1-10',
    title: 'an empty retained message is sent to existing subscriptions like any other',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      await scene.publishes(scene.topic('x'), '', { qos: 1, retain: true });
      has('message', await reader.accept(), { payload: '', retain: false });
    },
  },
  {
    clause: 'MQTT-3.3.1-11',
    title: 'an empty retained message is not stored',
    async run(scene) {
      await scene.publishes(scene.topic('x'), '', { qos: 1, retain: true });
      same('retained', await scene.retainedAt(scene.topic('#')), []);
    },
  },
  {
    clause: 'MQTT-3.3.1-6',
    title: 'a wildcard subscription is given the last retained message of every matching topic',
    async run(scene) {
      for (const name of ['a', 'a/b', 'a/b/c', 'd'])
        await scene.publishes(scene.topic(name), name, { qos: 1, retain: true });
      const at = async (filter: string): Promise<string[]> =>
        (await scene.retainedAt(scene.topic(filter))).map(({ payload }) => payload).sort();
      same('a/#', await at('a/#'), ['a', 'a/b', 'a/b/c']);
      same('+', await at('+'), ['a', 'd']);
      same('+/b', await at('+/b'), ['a/b']);
      same('#', await at('#'), ['a', 'a/b', 'a/b/c', 'd']);
    },
  },
  {
    clause: 'MQTT-3.1.2-7',
    title: 'a retained message stays when the session of its publisher ends',
    async run(scene) {
      const publisher = await scene.client('p', { clean: true });
      await publisher.publish(scene.topic('x'), 'kept', { qos: 1, retain: true });
      await publisher.disconnect();
      await scene.client('p', { clean: true });
      same('retained', (await scene.retainedAt(scene.topic('x'))).length, 1);
    },
  },
  {
    clause: '3.1.2.4',
    title: 'a resumed session is not given the retained messages again',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 1, retain: true });
      const reader = await scene.subscriber('reader', scene.topic('x'), 1, { clean: false });
      await reader.accept();
      await reader.disconnect();
      await scene.nothingFor(await scene.client('reader', { clean: false }));
    },
  },
  {
    clause: 'MQTT-4.3.2-1',
    title: 'a retained message of QoS 1 that was not acknowledged is sent again after a reconnect',
    async run(scene) {
      await scene.publishes(scene.topic('x'), 'kept', { qos: 1, retain: true });
      const reader = await scene.subscriber('reader', scene.topic('x'), 1, { clean: false });
      const first = await reader.message();
      await reader.drop();
      const again = await scene.client('reader', { clean: false });
      has('redelivery', await again.accept(), { payload: 'kept', qos: 1, dup: true, id: first.id });
    },
  },
];
