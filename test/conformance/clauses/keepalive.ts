import type { Clause } from '../clause.js';
import { has, must } from '../client/check.js';

export const keepalive: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.2-24',
    title: 'a client that is silent for one and a half keep alive times is closed, not before',
    async run(scene) {
      const client = await scene.client('a', { keepalive: 2 });
      const since = performance.now();
      await client.closed(3_000 + scene.keepaliveSlackMs);
      const lasted = performance.now() - since;
      must(lasted > 2_950, `it was closed after ${Math.round(lasted)} ms already`);
    },
  },
  {
    clause: 'MQTT-3.1.2-24',
    title: 'any packet keeps a client alive, and keep alive 0 never ends',
    async run(scene) {
      // Silent clients are the clock: each lasts at most this long.
      const tick = 1_500 + scene.keepaliveSlackMs;
      const keepalive = Math.ceil(tick / 1_000);
      const pinging = await scene.client('a', { keepalive });
      const publishing = await scene.client('b', { keepalive });
      const patient = await scene.client('c', { keepalive: 0 });
      const end = performance.now() + keepalive * 1_500 + scene.keepaliveSlackMs;
      for (let turn = 0; performance.now() < end; turn += 1) {
        const clock = await scene.client(`d${turn}`, { keepalive: 1 });
        await clock.closed(tick);
        await pinging.ping();
        await publishing.publish(scene.topic('x'), 'alive', { qos: 1 });
      }
      await patient.ping();
    },
  },
  {
    clause: 'MQTT-3.1.2-8',
    title: 'the will of a client that was silent for too long is published',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const mortal = await scene.client('a', { keepalive: 1, will: { topic: scene.topic('will'), payload: 'silent' } });
      await mortal.closed(1_500 + scene.keepaliveSlackMs);
      has('will', await reader.message(), { payload: 'silent' });
    },
  },
  {
    clause: 'MQTT-3.1.2-24',
    title: 'a client that sends half a packet and no more is closed',
    async run(scene) {
      const client = await scene.client('a', { keepalive: 1 });
      client.write(Buffer.from([0x30, 0x7f, 0]));
      await client.closed(3_000 + scene.keepaliveSlackMs);
    },
  },
];
