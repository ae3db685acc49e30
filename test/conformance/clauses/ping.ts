import type { Clause } from '../clause.js';
import { frame } from '../client/bytes.js';

export const ping: readonly Clause[] = [
  {
    clause: 'MQTT-3.12.4-1',
    title: 'PINGREQ is answered with PINGRESP',
    async run(scene) {
      const client = await scene.client('a');
      await client.ping();
    },
  },
  {
    clause: 'MQTT-3.12.4-1',
    title: 'each PINGREQ is answered, also when several come in one segment',
    async run(scene) {
      const client = await scene.client('a');
      client.send({ cmd: 'pingreq' }, { cmd: 'pingreq' }, { cmd: 'pingreq' });
      for (let turn = 0; turn < 3; turn += 1) await client.expect('pingresp');
    },
  },
  {
    clause: 'MQTT-2.2.2-2',
    title: 'PINGREQ with a reserved flag closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(frame(0xc1));
    },
  },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'PINGREQ with a body closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(frame(0xc0, Buffer.from([0])));
    },
  },
];
