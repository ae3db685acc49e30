import type { Clause } from '../clause.js';
import { publish } from '../client/bytes.js';
import { same } from '../client/check.js';
import type { Scene } from '../scene.js';

const COUNT = 200;
const wanted = Array.from({ length: COUNT }, (_, at) => String(at));

export const ordering: readonly Clause[] = [
  ...([0, 1, 2] as const).flatMap((sent) =>
    ([0, 1, 2] as const).map((asked): Clause => ({
      clause: 'MQTT-4.6.0-6',
      title: `${COUNT} messages of QoS ${sent} come to a subscription of QoS ${asked} in their order`,
      async run(scene) {
        const reader = await scene.subscriber('reader', scene.topic('x'), asked);
        const publisher = await scene.client('a');
        for (const [at, payload] of wanted.entries()) {
          const id = sent === 0 ? {} : { id: at + 1 };
          publisher.write(publish({ flags: sent << 1, topic: scene.topic('x'), payload, ...id }));
          if (sent === 2) publisher.send({ cmd: 'pubrel', messageId: at + 1 });
        }
        same('payloads', await reader.acceptMany(COUNT), wanted);
      },
    })),
  ),
  {
    clause: 'MQTT-4.6.0-6',
    title: 'messages to several topics come to a wildcard subscription in their order on each topic',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('+'), 1);
      const publisher = await scene.client('a');
      for (const [at, payload] of wanted.entries())
        publisher.write(publish({ flags: 2, topic: scene.topic(`t${at % 5}`), id: at + 1, payload }));
      const seen = await reader.acceptMany(COUNT);
      for (const rest of [0, 1, 2, 3, 4]) {
        const ofTopic = (payloads: string[]): string[] => payloads.filter((payload) => Number(payload) % 5 === rest);
        same(`topic t${rest}`, ofTopic(seen), ofTopic(wanted));
      }
    },
  },
  {
    clause: 'MQTT-4.6.0-6',
    title: 'messages of one publisher come to every subscriber in the same order',
    async run(scene) {
      const readers = [await scene.client('a'), await scene.client('b'), await scene.client('c')];
      for (const reader of readers) await reader.subscribe(scene.topic('x'), 1);
      const publisher = await scene.client('p');
      for (const [at, payload] of wanted.entries())
        publisher.write(publish({ flags: 2, topic: scene.topic('x'), id: at + 1, payload }));
      for (const reader of readers) same('payloads', await reader.acceptMany(COUNT), wanted);
    },
  },
  {
    clause: 'MQTT-4.6.0-5',
    title: 'a session that comes back gets what waited before what is new',
    async run(scene) {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await comesBack(scene, name);
    },
  },
];

/** A client comes back to 150 messages while its publisher goes on. */
async function comesBack(scene: Scene, name: string): Promise<void> {
  const client = await scene.client(name, { clean: false });
  await client.subscribe(scene.topic(name), 1);
  await client.disconnect();
  const publisher = await scene.client(`p${name}`);
  for (const payload of wanted.slice(0, 150)) await publisher.publish(scene.topic(name), payload, { qos: 1 });
  const again = await scene.connecting(name, { clean: false });
  const publishing = (async () => {
    for (const [at, payload] of wanted.slice(150).entries()) {
      publisher.write(publish({ flags: 2, topic: scene.topic(name), id: 1_000 + at, payload }));
      if (at % 5 === 0) await publisher.ping();
    }
  })();
  const seen = await again.acceptMany(COUNT).finally(() => publishing);
  same('payloads', seen, wanted);
}
