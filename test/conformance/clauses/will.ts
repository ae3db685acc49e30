import type { IConnectPacket } from 'mqtt-packet';
import type { Clause } from '../clause.js';
import { connect, field, FLAG, frame } from '../client/bytes.js';
import { has, same } from '../client/check.js';
import type { Client, Scene } from '../scene.js';

type Will = NonNullable<IConnectPacket['will']>;

/** A client with a will and somebody who listens to it with QoS 2. */
async function mourned(scene: Scene, will: Partial<Will> = {}): Promise<{ mortal: Client; reader: Client }> {
  const reader = await scene.subscriber('reader', scene.topic('will'), 2);
  const mortal = await scene.client('mortal', { will: { topic: scene.topic('will'), payload: 'gone', ...will } });
  return { mortal, reader };
}

export const wills: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will is published when the connection is cut',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      await mortal.drop();
      has('will', await reader.message(), { payload: 'gone', qos: 0, retain: false, dup: false });
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will is not published while the client lives',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      await mortal.ping();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will is published when the broker closes for a protocol error',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      mortal.write(frame(0xf0));
      has('will', await reader.message(), { payload: 'gone' });
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will is published when the broker closes for a second CONNECT',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      mortal.write(connect({ payload: [field(scene.id('mortal'))] }));
      has('will', await reader.message(), { payload: 'gone' });
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will is published when another client takes the id over',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      await scene.client('mortal');
      await mortal.closed();
      has('will', await reader.message(), { payload: 'gone' });
    },
  },
  ...([1, 2] as const).map((qos): Clause => ({
    clause: 'MQTT-3.1.2-9',
    title: `a will of QoS ${qos} is delivered with QoS ${qos}`,
    async run(scene) {
      const { mortal, reader } = await mourned(scene, { qos });
      await mortal.drop();
      has('will', await reader.accept(), { payload: 'gone', qos });
    },
  })),
  {
    clause: 'MQTT-3.1.2-17',
    title: 'a will with retain is kept as a retained message',
    async run(scene) {
      const { mortal, reader } = await mourned(scene, { qos: 1, retain: true });
      await mortal.drop();
      has('will', await reader.accept(), { payload: 'gone', retain: false });
      const [kept] = await scene.retainedAt(scene.topic('will'));
      has('retained will', kept ?? {}, { payload: 'gone', retain: true, qos: 1 });
    },
  },
  {
    clause: 'MQTT-3.1.2-16',
    title: 'a will without retain is not kept',
    async run(scene) {
      const { mortal, reader } = await mourned(scene, { qos: 1 });
      await mortal.drop();
      await reader.accept();
      same('retained', await scene.retainedAt(scene.topic('will')), []);
    },
  },
  {
    clause: 'MQTT-3.1.2-10',
    title: 'a will is published once only',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      await mortal.drop();
      await reader.message();
      const again = await scene.client('mortal');
      await again.drop();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.2-12',
    title: 'a client without a will leaves no message',
    async run(scene) {
      const { mortal, reader } = await mourned(scene);
      await mortal.disconnect();
      const plain = await scene.client('mortal');
      await plain.drop();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.4-1',
    title: 'the will of a client that was refused is not published',
    needs: 'credentials',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const will = { topic: scene.topic('will'), payload: 'x' };
      const refused = await scene.connecting('a', { username: 'known', password: Buffer.from('wrong'), will });
      await refused.closed();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: '3.1.2.5',
    title: 'an empty will message is published with an empty payload',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const mortal = await scene.dial();
      const payload = [field(scene.id('a')), field(scene.topic('will')), field('')];
      mortal.write(connect({ flags: FLAG.clean | FLAG.will, payload }));
      await mortal.expect('connack');
      await mortal.drop();
      has('will', await reader.message(), { payload: '' });
    },
  },
  {
    clause: '3.1.3.3',
    title: 'a will message is binary',
    async run(scene) {
      const { mortal, reader } = await mourned(scene, { payload: Buffer.from([0, 0xff, 0xfe, 0xc3]) });
      await mortal.drop();
      const { payload } = await reader.expect('publish');
      same('bytes', Buffer.from(payload).toString('hex'), '00fffec3');
    },
  },
  {
    clause: 'MQTT-3.3.1-10',
    title: 'an empty will with retain clears the retained message',
    async run(scene) {
      await scene.publishes(scene.topic('will'), 'old', { qos: 1, retain: true });
      const mortal = await scene.client('mortal', {
        will: { topic: scene.topic('will'), payload: Buffer.alloc(0), retain: true },
      });
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      await reader.message();
      await mortal.drop();
      has('will', await reader.message(), { payload: '' });
      same('retained', await scene.retainedAt(scene.topic('will')), []);
    },
  },
  {
    clause: 'MQTT-3.1.2-5',
    title: 'a will of QoS 1 is kept for a subscriber who is away',
    async run(scene) {
      const away = await scene.subscriber('away', scene.topic('will'), 1, { clean: false });
      await away.disconnect();
      const { mortal, reader } = await mourned(scene, { qos: 1 });
      await mortal.drop();
      await reader.accept();
      const back = await scene.client('away', { clean: false });
      has('will', await back.accept(), { payload: 'gone', qos: 1 });
    },
  },
  ...(['a/#', 'a/+'] as const).map((topic): Clause => ({
    clause: 'MQTT-3.1.3-10',
    title: `a will topic with a wildcard (${topic}) is refused or never published`,
    async run(scene) {
      const reader = await scene.client('reader');
      await reader.subscribe(`${scene.topic('a')}/#`);
      const mortal = await scene.dial();
      const payload = [field(scene.id('m')), field(scene.topic(topic)), field('x')];
      mortal.write(connect({ flags: FLAG.clean | FLAG.will, payload }));
      await mortal.expect('connack').catch(() => undefined);
      await mortal.drop();
      await scene.nothingFor(reader);
    },
  })),
];
