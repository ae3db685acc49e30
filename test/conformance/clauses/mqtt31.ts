import type { Clause } from '../clause.js';
import { connect, field, FLAG } from '../client/bytes.js';
import { has, same } from '../client/check.js';
import { answerTo, refusesConnect } from './connecting.js';

const V31 = { protocolId: 'MQIsdp', protocolVersion: 3 } as const;

/** The few places where MQTT 3.1 is another protocol than 3.1.1. */
export const mqtt31: readonly Clause[] = [
  {
    clause: 'MQTT 3.1, 3.1',
    title: 'a client of MQTT 3.1 is let in and exchanges messages with one of 3.1.1',
    async run(scene) {
      const old = await scene.client('old', V31);
      const current = await scene.client('new');
      await old.subscribe(scene.topic('x'), 2);
      await current.subscribe(scene.topic('y'), 2);
      for (const qos of [0, 1, 2] as const) {
        await current.publish(scene.topic('x'), `x${qos}`, { qos });
        has('to 3.1', await old.accept(), { payload: `x${qos}`, qos });
        await old.publish(scene.topic('y'), `y${qos}`, { qos });
        has('to 3.1.1', await current.accept(), { payload: `y${qos}`, qos });
      }
    },
  },
  {
    clause: 'MQTT 3.1, 3.1',
    title: 'a client of MQTT 3.1 without an id gets CONNACK 2, then is closed',
    async run(scene) {
      const { codes } = await answerTo(scene, connect({ protocol: 'MQIsdp', level: 3, payload: [field('')] }));
      same('return codes', codes, [2]);
    },
  },
  {
    clause: 'MQTT 3.1, 3.1',
    title: 'a client of MQTT 3.1 keeps its session and its will works',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('will'), 1);
      const will = { topic: scene.topic('will'), payload: 'gone', qos: 1 } as const;
      const first = await scene.client('old', { ...V31, clean: false, will });
      await first.subscribe(scene.topic('x'), 1);
      await first.drop();
      has('will', await reader.accept(), { payload: 'gone' });
      await scene.publishes(scene.topic('x'), 'm', { qos: 1 });
      has('message', await (await scene.client('old', { ...V31, clean: false })).accept(), { payload: 'm' });
    },
  },
  {
    clause: 'MQTT-3.1.2-1',
    title: 'the name MQIsdp with level 4 is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ protocol: 'MQIsdp', level: 4, payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT-3.1.2-2',
    title: 'the name MQTT with level 3 is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ protocol: 'MQTT', level: 3, payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT 3.1, 3.3',
    title: 'a will topic of MQTT 3.1 is carried beyond ASCII',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('Ende/→'), 0);
      const mortal = await scene.dial();
      const payload = [field(scene.id('m')), field(scene.topic('Ende/→')), field('x')];
      mortal.write(connect({ protocol: 'MQIsdp', level: 3, flags: FLAG.clean | FLAG.will, payload }));
      await mortal.expect('connack');
      await mortal.drop();
      has('will', await reader.message(), { topic: scene.topic('Ende/→') });
    },
  },
];
