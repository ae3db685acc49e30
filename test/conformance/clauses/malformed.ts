import type { Clause } from '../clause.js';
import { field, frame, u16 } from '../client/bytes.js';
import { has } from '../client/check.js';
import { closing } from './closing.js';
import { refusesConnect } from './connecting.js';

const ID = u16(1);

/** Packets that must end the connection of a client that is connected. */
const CASES: readonly { clause: string; title: string; bytes: Buffer }[] = [
  { clause: 'MQTT-4.8.0-1', title: 'packet type 0', bytes: frame(0x00) },
  { clause: 'MQTT-4.8.0-1', title: 'packet type 15', bytes: frame(0xf0) },
  { clause: 'MQTT-4.8.0-1', title: 'CONNACK from a client', bytes: frame(0x20, u16(0)) },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'SUBACK from a client',
    bytes: frame(0x90, ID, Buffer.from([0])),
  },
  { clause: 'MQTT-4.8.0-1', title: 'UNSUBACK from a client', bytes: frame(0xb0, ID) },
  { clause: 'MQTT-4.8.0-1', title: 'PINGRESP from a client', bytes: frame(0xd0) },
  { clause: 'MQTT-2.2.2-2', title: 'PUBACK with a reserved flag', bytes: frame(0x41, ID) },
  { clause: 'MQTT-2.2.2-2', title: 'PUBREC with a reserved flag', bytes: frame(0x51, ID) },
  { clause: 'MQTT-3.6.1-1', title: 'PUBREL with flags 0', bytes: frame(0x60, ID) },
  { clause: 'MQTT-3.6.1-1', title: 'PUBREL with flags 3', bytes: frame(0x63, ID) },
  { clause: 'MQTT-2.2.2-2', title: 'PUBCOMP with a reserved flag', bytes: frame(0x71, ID) },
  { clause: 'MQTT-4.8.0-1', title: 'PUBACK without a packet id', bytes: frame(0x40) },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'PUBACK with half a packet id',
    bytes: frame(0x40, Buffer.from([1])),
  },
  { clause: 'MQTT-4.8.0-1', title: 'PUBREL without a packet id', bytes: frame(0x62) },
  { clause: 'MQTT-4.8.0-1', title: 'PUBLISH without a body', bytes: frame(0x30) },
  { clause: 'MQTT-4.8.0-1', title: 'SUBSCRIBE without a body', bytes: frame(0x82) },
  { clause: 'MQTT-4.8.0-1', title: 'UNSUBSCRIBE without a body', bytes: frame(0xa2) },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'SUBSCRIBE whose filter is longer than the packet',
    bytes: frame(0x82, ID, u16(99), Buffer.from('abc')),
  },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'UNSUBSCRIBE whose filter is longer than the packet',
    bytes: frame(0xa2, ID, u16(99), Buffer.from('abc')),
  },
  {
    clause: '2.2.3',
    title: 'a remaining length of five bytes',
    bytes: Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
  },
  {
    clause: '2.2.3',
    title: 'a remaining length of four bytes that all continue',
    bytes: Buffer.from([0xc0, 0x80, 0x80, 0x80, 0x80, 0x00]),
  },
];

export const malformed: readonly Clause[] = [
  ...CASES.map(({ clause, title, bytes }) => closing(clause, title, bytes)),
  ...[1, 2, 8, 15].map((flags): Clause => ({
    clause: 'MQTT-2.2.2-2',
    title: `CONNECT with the reserved header flags ${flags} is refused`,
    async run(scene) {
      const body = [field('MQTT'), Buffer.from([4, 2]), u16(0), field(scene.id('a'))];
      await refusesConnect(scene, frame(0x10 | flags, ...body));
    },
  })),
  {
    clause: 'MQTT-3.1.0-1',
    title: 'a connection that speaks HTTP is closed',
    async run(scene) {
      await refusesConnect(scene, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    },
  },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'a malformed packet closes no other connection',
    async run(scene) {
      const other = await scene.subscriber('other', scene.topic('x'), 0);
      const bad = await scene.client('bad');
      await bad.isClosedBy(frame(0xf0));
      await scene.publishes(scene.topic('x'), 'm');
      has('message', await other.message(), { payload: 'm' });
    },
  },
  {
    clause: 'MQTT-4.8.0-1',
    title: 'packets behind a malformed one are not processed',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('x'), 0);
      const bad = await scene.client('bad');
      bad.write(frame(0xf0), frame(0x30, field(scene.topic('x')), Buffer.from('m')));
      await bad.closed();
      await scene.nothingFor(reader);
    },
  },
];
