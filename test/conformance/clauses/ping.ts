import type { Clause } from '../clause.js';
import { frame } from '../client/bytes.js';
import { closing } from './closing.js';

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
  closing('MQTT-2.2.2-2', 'PINGREQ with a reserved flag', frame(0xc1)),
  closing('MQTT-4.8.0-1', 'PINGREQ with a body', frame(0xc0, Buffer.from([0]))),
];
