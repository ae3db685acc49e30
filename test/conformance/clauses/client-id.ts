import type { Clause } from '../clause.js';
import { connect, field } from '../client/bytes.js';
import { has, must, same } from '../client/check.js';
import { answerTo } from './connecting.js';

export const clientIds: readonly Clause[] = [
  {
    clause: 'MQTT-3.1.3-6',
    title: 'an empty client id with a clean session is let in',
    async run(scene) {
      await scene.client('a', { clientId: '' });
    },
  },
  {
    clause: 'MQTT-3.1.3-6',
    title: 'two clients with an empty id are two clients',
    async run(scene) {
      const first = await scene.client('a', { clientId: '' });
      const second = await scene.client('b', { clientId: '' });
      await first.ping();
      await second.ping();
    },
  },
  {
    clause: 'MQTT-3.1.3-8',
    title: 'an empty client id without a clean session gets CONNACK 2, then is closed',
    async run(scene) {
      const { codes, sessions } = await answerTo(scene, connect({ flags: 0, payload: [field('')] }));
      same('return codes', codes, [2]);
      same('session present', sessions, [false]);
    },
  },
  {
    clause: 'MQTT-3.1.3-5',
    title: 'a client id of 23 letters and digits is let in',
    async run(scene) {
      await scene.client('a', { clientId: scene.id('0123456789abcdefghijKLMNO').slice(0, 23) });
    },
  },
  {
    clause: 'MQTT-3.1.3-5',
    title: 'a client id of one character is let in',
    async run(scene) {
      await scene.client('a', { clientId: 'Z' });
    },
  },
  {
    clause: 'MQTT-3.1.3-4',
    title: 'a client id beyond ASCII keeps its session',
    async run(scene) {
      const clientId = scene.id('Größe→𝄞');
      const first = await scene.client('a', { clientId, clean: false });
      await first.subscribe(scene.topic('x'), 1);
      await first.disconnect();
      const second = await scene.client('a', { clientId, clean: false });
      has('connack', second.connack, { sessionPresent: true });
    },
  },
  {
    clause: 'MQTT-3.1.3-2',
    title: 'client ids that differ in case are two clients',
    async run(scene) {
      const lower = await scene.client('abc');
      const upper = await scene.client('ABC');
      await lower.ping();
      await upper.ping();
    },
  },
  {
    clause: '3.1.3.1',
    title: 'names of JavaScript object members are client ids like others',
    async run(scene) {
      for (const clientId of ['constructor', '__proto__', 'toString']) {
        const client = await scene.client('a', { clientId, clean: false });
        has(`connack of ${clientId}`, client.connack, { sessionPresent: false });
        await client.subscribe(scene.topic(clientId), 1);
        await client.publish(scene.topic(clientId), 'self', { qos: 1 });
        has('message', await client.accept(), { payload: 'self' });
        await client.disconnect();
        const cleaned = await scene.client('a', { clientId, clean: true });
        await cleaned.disconnect();
      }
    },
  },
  {
    clause: 'MQTT-3.1.4-2',
    title: 'a second client with the same id closes the first',
    async run(scene) {
      const first = await scene.client('a');
      const second = await scene.client('a');
      await first.closed();
      await second.ping();
    },
  },
  {
    clause: 'MQTT-3.1.4-2',
    title: 'takeover again and again leaves the last one connected',
    async run(scene) {
      const clients = [];
      for (let turn = 0; turn < 10; turn += 1) clients.push(await scene.client('a', { clean: false }));
      const last = clients.pop();
      for (const client of clients) await client.closed();
      await last?.ping();
    },
  },
  {
    clause: 'MQTT-3.1.4-2',
    title: 'of five clients that come with one id at once, exactly one stays',
    async run(scene) {
      const peers = await Promise.all([1, 2, 3, 4, 5].map(() => scene.connecting('a')));
      const alive = await Promise.all(
        peers.map(async (peer) => {
          const isIn = await peer.expect('connack').then(
            () => true,
            () => false,
          );
          return isIn;
        }),
      );
      must(alive.includes(true), 'nobody was let in');
      const settled = await Promise.all(
        peers.map(async (peer) => {
          for (let turn = 0; turn < 3; turn += 1) {
            if (peer.inbox.closed) return false;
            await peer.ping().catch(() => undefined);
          }
          return !peer.inbox.closed;
        }),
      );
      same('connections that stay', settled.filter(Boolean).length, 1);
    },
  },
  {
    clause: 'MQTT-3.1.4-3',
    title: 'takeover without a clean session keeps the session',
    async run(scene) {
      const first = await scene.subscriber('a', scene.topic('x'), 1, { clean: false });
      const second = await scene.client('a', { clean: false });
      has('connack', second.connack, { sessionPresent: true });
      await scene.publishes(scene.topic('x'), 'after', { qos: 1 });
      has('message', await second.accept(), { payload: 'after' });
      await first.closed();
    },
  },
  {
    clause: 'MQTT-3.1.4-3',
    title: 'takeover of a clean session drops its subscriptions',
    async run(scene) {
      await scene.subscriber('a', scene.topic('x'), 1, { clean: true });
      const second = await scene.client('a', { clean: false });
      has('connack', second.connack, { sessionPresent: false });
      await scene.publishes(scene.topic('x'), 'after', { qos: 1 });
      await scene.nothingFor(second);
    },
  },
];
