import type { Clause } from '../clause.js';
import { frame, publish } from '../client/bytes.js';

export const disconnecting: readonly Clause[] = [
  {
    clause: 'MQTT-3.14.4-2',
    title: 'DISCONNECT closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      client.send({ cmd: 'disconnect' });
      await client.closed();
    },
  },
  {
    clause: 'MQTT-3.14.4-3',
    title: 'DISCONNECT discards the will',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const client = await scene.client('a', { will: { topic: scene.topic('will'), payload: 'x' } });
      await client.disconnect();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.14.4-2',
    title: 'a PUBLISH behind DISCONNECT is ignored',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      const client = await scene.client('a');
      client.write(Buffer.from([0xe0, 0]), publish({ topic: scene.topic('x') }));
      await client.closed();
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.14.4-1',
    title: 'what was published before DISCONNECT in the same segment is delivered',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      const client = await scene.client('a');
      client.write(publish({ topic: scene.topic('x'), payload: 'last' }), Buffer.from([0xe0, 0]));
      await reader.message();
    },
  },
  {
    clause: 'MQTT-3.14.1-1',
    title: 'DISCONNECT with a reserved flag closes the connection and publishes the will',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 0);
      const client = await scene.client('a', { will: { topic: scene.topic('will'), payload: 'x' } });
      client.write(frame(0xe1));
      await client.closed();
      await reader.message();
    },
  },
];
