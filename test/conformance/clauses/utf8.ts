import type { Clause } from '../clause.js';
import { connect, field, FLAG, publish, subscribe, unsubscribe, USERNAME } from '../client/bytes.js';
import { has } from '../client/check.js';
import type { Scene } from '../scene.js';
import { refusesConnect } from './connecting.js';

interface BadText {
  readonly clause: string;
  readonly name: string;
  readonly bytes: Buffer;
}

const BAD: readonly BadText[] = [
  { clause: 'MQTT-1.5.3-2', name: 'U+0000', bytes: Buffer.from('a\0b') },
  { clause: 'MQTT-1.5.3-1', name: 'a surrogate (U+D800)', bytes: Buffer.from([0x61, 0xed, 0xa0, 0x80]) },
  { clause: 'MQTT-1.5.3-1', name: 'a stray continuation byte', bytes: Buffer.from([0x61, 0x80]) },
  { clause: 'MQTT-1.5.3-1', name: 'an overlong slash', bytes: Buffer.from([0x61, 0xc0, 0xaf]) },
  { clause: 'MQTT-1.5.3-1', name: 'a cut character', bytes: Buffer.from([0x61, 0xe2, 0x82]) },
  { clause: 'MQTT-1.5.3-1', name: 'the byte 0xff', bytes: Buffer.from([0x61, 0xff]) },
  { clause: 'MQTT-1.5.3-1', name: 'a code point above U+10FFFF', bytes: Buffer.from([0xf4, 0x90, 0x80, 0x80]) },
];

/** Where a text stands in a packet, and that packet. */
const PLACES: readonly { place: string; closes: (scene: Scene, bytes: Buffer) => Promise<void> }[] = [
  {
    place: 'a topic name',
    closes: async (scene, bytes) => {
      await (await scene.client('a')).isClosedBy(publish({ topic: within(scene, bytes) }));
    },
  },
  {
    place: 'a filter of SUBSCRIBE',
    closes: async (scene, bytes) => {
      await (await scene.client('a')).isClosedBy(subscribe(1, within(scene, bytes)));
    },
  },
  {
    place: 'a filter of UNSUBSCRIBE',
    closes: async (scene, bytes) => {
      await (await scene.client('a')).isClosedBy(unsubscribe(1, within(scene, bytes)));
    },
  },
  {
    place: 'a client id',
    closes: async (scene, bytes) => {
      await refusesConnect(scene, connect({ payload: [field(within(scene, bytes))] }));
    },
  },
  {
    place: 'a will topic',
    closes: async (scene, bytes) => {
      const payload = [field(scene.id('a')), field(within(scene, bytes)), field('x')];
      await refusesConnect(scene, connect({ flags: FLAG.clean | FLAG.will, payload }));
    },
  },
];

const within = (scene: Scene, bytes: Buffer): Buffer => Buffer.concat([Buffer.from(scene.topic('')), bytes]);

/** Characters that a broker has to carry as they are. */
const GOOD: readonly [clause: string, name: string, text: string][] = [
  ['MQTT-1.5.3-3', 'U+FEFF at the start of a level', '\ufeffa'],
  ['MQTT-1.5.3-3', 'U+FEFF inside a level', 'a\ufeffb'],
  ['1.5.3', 'characters of two, three and four bytes', 'ä→𝄞'],
  ['MQTT-4.7.3-4', 'composed and decomposed letters', 'e\u0301'],
];

export const utf8: readonly Clause[] = [
  ...PLACES.flatMap(({ place, closes }) =>
    BAD.map(({ clause, name, bytes }): Clause => ({
      clause,
      title: `${name} in ${place} closes the connection`,
      run: (scene) => closes(scene, bytes),
    })),
  ),
  {
    clause: 'MQTT-3.1.3-11',
    title: 'a stray continuation byte in a user name closes the connection',
    async run(scene) {
      const payload = [field(scene.id('a')), field(Buffer.from([0x61, 0x80]))];
      await refusesConnect(scene, connect({ flags: FLAG.clean | USERNAME, payload }));
    },
  },
  ...GOOD.map(([clause, name, text]): Clause => ({
    clause,
    title: `${name} are carried unchanged in a topic`,
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic(text), 1);
      await client.publish(scene.topic(text), 'm', { qos: 1 });
      has('message', await client.accept(), { topic: scene.topic(text) });
    },
  })),
  {
    clause: 'MQTT-1.5.3-3',
    title: 'a topic that begins with U+FEFF is another topic than the same without it',
    async run(scene) {
      const client = await scene.client('a');
      await client.subscribe(`\ufeff${scene.topic('x')}`, 1);
      const other = await scene.subscriber('b', scene.topic('x'), 1);
      await scene.publishes(`\ufeff${scene.topic('x')}`, 'm', { qos: 1 });
      has('message', await client.accept(), { payload: 'm', topic: `\ufeff${scene.topic('x')}` });
      await scene.nothingFor(other);
    },
  },
  {
    clause: 'MQTT-4.7.3-4',
    title: 'composed and decomposed letters are two topics',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('\u00e9'), 1);
      await scene.publishes(scene.topic('e\u0301'), 'm', { qos: 1 });
      await scene.nothingFor(client);
    },
  },
];
