import type { Clause } from '../clause.js';
import { publish } from '../client/bytes.js';
import { has, same } from '../client/check.js';

const QOS = [0, 1, 2] as const;

export const publishing: readonly Clause[] = [
  ...QOS.flatMap((sent) =>
    QOS.map((asked): Clause => ({
      clause: 'MQTT-3.8.4-6',
      title: `a message of QoS ${sent} comes to a wildcard subscription of QoS ${asked} with QoS ${Math.min(sent, asked)}`,
      async run(scene) {
        const reader = await scene.subscriber('reader', scene.topic('+'), asked);
        await scene.publishes(scene.topic('x'), 'hello', { qos: sent });
        has('message', await reader.accept(), { payload: 'hello', qos: Math.min(sent, asked) });
      },
    })),
  ),
  ...QOS.flatMap((sent) =>
    QOS.map((asked): Clause => ({
      clause: 'MQTT-3.8.4-6',
      title: `a message of QoS ${sent} comes to a subscription of QoS ${asked} with QoS ${Math.min(sent, asked)}`,
      async run(scene) {
        const reader = await scene.subscriber('reader', scene.topic('x'), asked);
        await scene.publishes(scene.topic('x'), 'hello', { qos: sent });
        const wanted = {
          topic: scene.topic('x'),
          payload: 'hello',
          qos: Math.min(sent, asked),
          retain: false,
          dup: false,
        };
        has('message', await reader.accept(), wanted);
        await scene.nothingFor(reader);
      },
    })),
  ),
  {
    clause: 'MQTT-3.3.1-4',
    title: 'PUBLISH with QoS 3 closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ flags: 6, topic: scene.topic('x'), id: 1 }));
    },
  },
  {
    clause: 'MQTT-3.3.1-4',
    title: 'PUBLISH with QoS 3 is not delivered',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      const client = await scene.client('a');
      client.write(publish({ flags: 6, topic: scene.topic('x'), id: 1 }));
      await scene.nothingFor(reader);
    },
  },
  ...([1, 2] as const).map((qos): Clause => ({
    clause: 'MQTT-2.3.1-1',
    title: `PUBLISH of QoS ${qos} with packet id 0 closes the connection`,
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ flags: qos << 1, topic: scene.topic('x'), id: 0 }));
    },
  })),
  ...['a/+', 'a/#', '+', '#'].map((topic): Clause => ({
    clause: 'MQTT-3.3.2-2',
    title: `PUBLISH to a topic name with a wildcard (${topic}) closes the connection`,
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ topic: scene.topic(topic) }));
    },
  })),
  {
    clause: 'MQTT-4.7.1-1',
    title: 'PUBLISH to a topic name with + inside a level closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ topic: scene.topic('a+b') }));
    },
  },
  {
    clause: 'MQTT-4.7.1-1',
    title: 'PUBLISH to a topic name with # inside a level closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ topic: scene.topic('a#b') }));
    },
  },
  {
    clause: 'MQTT-4.7.3-1',
    title: 'PUBLISH to an empty topic name closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(publish({ topic: '' }));
    },
  },
  {
    clause: 'MQTT-3.3.2-1',
    title: 'PUBLISH whose topic is longer than the packet closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(Buffer.from([0x30, 4, 0, 9, 0x61, 0x62]));
    },
  },
  {
    clause: 'MQTT-2.3.1-1',
    title: 'PUBLISH of QoS 1 that ends before its packet id closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(Buffer.from([0x32, 3, 0, 1, 0x61]));
    },
  },
  {
    clause: 'MQTT-2.3.1-5',
    title: 'a message of QoS 0 carries no packet id',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      await scene.publishes(scene.topic('x'), 'bare', { qos: 1 });
      same('packet id and payload', await reader.message().then(({ id, payload }) => [id, payload]), [
        undefined,
        'bare',
      ]);
    },
  },
  {
    clause: 'MQTT-3.3.1-3',
    title: 'DUP of a publisher is not passed on',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 2);
      await scene.publishes(scene.topic('x'), 'one', { qos: 1, dup: true });
      await scene.publishes(scene.topic('x'), 'two', { qos: 2, dup: true });
      has('QoS 1', await reader.accept(), { payload: 'one', dup: false });
      has('QoS 2', await reader.accept(), { payload: 'two', dup: false });
    },
  },
  {
    clause: '3.3.3',
    title: 'an empty payload is delivered',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 1);
      await scene.publishes(scene.topic('x'), '', { qos: 1 });
      has('message', await reader.accept(), { payload: '' });
    },
  },
  {
    clause: '3.3.3',
    title: 'a payload is binary',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
      const publisher = await scene.client('a');
      publisher.send({ cmd: 'publish', topic: scene.topic('x'), payload: bytes, qos: 0, dup: false, retain: false });
      const { payload } = await reader.expect('publish');
      same('bytes', Buffer.from(payload).toString('hex'), bytes.toString('hex'));
    },
  },
  ...[127, 128, 16_383, 16_384, 2_097_151, 2_097_152].map((length): Clause => ({
    clause: '2.2.3',
    title: `a packet with remaining length ${length} is delivered whole`,
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      const topic = scene.topic('x');
      const payload = 'p'.repeat(length - 2 - Buffer.byteLength(topic));
      await scene.publishes(topic, payload, { qos: 0 });
      same('length', (await reader.message()).payload.length, payload.length);
    },
  })),
  {
    clause: '3.3.5',
    title: 'a publisher gets its own message when it subscribed to it',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('x'), 1);
      await client.publish(scene.topic('x'), 'mine', { qos: 1 });
      has('message', await client.accept(), { payload: 'mine' });
    },
  },
  {
    clause: 'MQTT-3.3.2-3',
    title: 'a message comes with the topic it was published to, not with the filter',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('+/#'), 0);
      await scene.publishes(scene.topic('a/b'), 'x');
      has('message', await reader.message(), { topic: scene.topic('a/b') });
    },
  },
  {
    clause: '3.3.5',
    title: 'every subscriber gets the message, others do not',
    async run(scene) {
      const [one, two, other] = [await scene.client('a'), await scene.client('b'), await scene.client('c')];
      await one.subscribe(scene.topic('x'), 1);
      await two.subscribe(scene.topic('+'), 0);
      await other.subscribe(scene.topic('y'), 1);
      await scene.publishes(scene.topic('x'), 'all', { qos: 1 });
      has('first', await one.accept(), { payload: 'all', qos: 1 });
      has('second', await two.accept(), { payload: 'all', qos: 0 });
      await scene.nothingFor(other);
    },
  },
];
