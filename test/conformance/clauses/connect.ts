import type { Clause } from '../clause.js';
import { connect, field, FLAG, PASSWORD, publish, u16, USERNAME } from '../client/bytes.js';
import { has, must, same } from '../client/check.js';
import { answerTo, refusesConnect } from './connecting.js';

const NAME = field('known');

/** CONNECT packets that violate the format: closed without a positive CONNACK. */
const malformed: readonly { clause: string; title: string; flags: number; payload?: Buffer[] }[] = [
  { clause: 'MQTT-3.1.2-3', title: 'CONNECT with the reserved flag is refused', flags: FLAG.clean | FLAG.reserved },
  {
    clause: 'MQTT-3.1.2-14',
    title: 'CONNECT with will QoS 3 is refused',
    flags: FLAG.clean | FLAG.will | FLAG.willQos(3),
    payload: [field('will'), field('x')],
  },
  {
    clause: 'MQTT-3.1.2-13',
    title: 'CONNECT with a will QoS but no will flag is refused',
    flags: FLAG.clean | FLAG.willQos(1),
  },
  {
    clause: 'MQTT-3.1.2-15',
    title: 'CONNECT with will retain but no will flag is refused',
    flags: FLAG.clean | FLAG.willRetain,
  },
  {
    clause: 'MQTT-3.1.2-9',
    title: 'CONNECT with the will flag but no will in the payload is refused',
    flags: FLAG.clean | FLAG.will,
  },
  {
    clause: 'MQTT-3.1.2-9',
    title: 'CONNECT with a will topic but no will message is refused',
    flags: FLAG.clean | FLAG.will,
    payload: [field('will')],
  },
  {
    clause: 'MQTT-3.1.2-22',
    title: 'CONNECT with a password flag but no user name flag is refused',
    flags: FLAG.clean | PASSWORD,
    payload: [field('secret')],
  },
  {
    clause: 'MQTT-3.1.2-19',
    title: 'CONNECT with the user name flag but no user name is refused',
    flags: FLAG.clean | USERNAME,
  },
  {
    clause: 'MQTT-3.1.2-21',
    title: 'CONNECT with the password flag but no password is refused',
    flags: FLAG.clean | USERNAME | PASSWORD,
    payload: [NAME],
  },
  {
    clause: 'MQTT-3.1.2-18',
    title: 'CONNECT with more payload than its flags announce is refused',
    flags: FLAG.clean,
    payload: [NAME],
  },
];

export const connecting: readonly Clause[] = [
  ...malformed.map(({ clause, title, flags, payload = [] }) => ({
    clause,
    title,
    run: async (scene: Parameters<Clause['run']>[0]): Promise<void> => {
      await refusesConnect(scene, connect({ flags, payload: [field(scene.id('a')), ...payload] }));
    },
  })),
  {
    clause: 'MQTT-3.1.0-1',
    title: 'the first packet must be CONNECT: PUBLISH closes the connection',
    async run(scene) {
      await refusesConnect(scene, publish({ topic: scene.topic('a') }));
    },
  },
  {
    clause: 'MQTT-3.1.0-1',
    title: 'the first packet must be CONNECT: PINGREQ closes the connection',
    async run(scene) {
      await refusesConnect(scene, Buffer.from([0xc0, 0]));
    },
  },
  {
    clause: 'MQTT-3.1.0-1',
    title: 'a PUBLISH before CONNECT is not delivered',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('a'), 0);
      await refusesConnect(scene, publish({ topic: scene.topic('a') }));
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.0-2',
    title: 'a second CONNECT closes the connection',
    async run(scene) {
      const client = await scene.client('a');
      await client.isClosedBy(connect({ payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT-3.1.2-1',
    title: 'CONNECT with a wrong protocol name is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ protocol: 'MQTX', payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT-3.1.2-1',
    title: 'CONNECT with an empty protocol name is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ protocol: '', payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT-3.1.2-1',
    title: 'CONNECT with a lower-case protocol name is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ protocol: 'mqtt', payload: [field(scene.id('a'))] }));
    },
  },
  {
    clause: 'MQTT-3.1.2-2',
    title: 'CONNECT with an unknown protocol level is answered with CONNACK 1, then closed',
    async run(scene) {
      const { codes } = await answerTo(scene, connect({ level: 9, payload: [field(scene.id('a'))] }));
      same('return codes', codes, [1]);
    },
  },
  {
    clause: 'MQTT-3.1.4-5',
    title: 'what follows a refused CONNECT is not processed',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('a'), 0);
      const bad = connect({ level: 9, payload: [field(scene.id('a'))] });
      await answerTo(scene, Buffer.concat([bad, publish({ topic: scene.topic('a') })]));
      await scene.nothingFor(reader);
    },
  },
  {
    clause: 'MQTT-3.1.4-1',
    title: 'CONNECT that ends within its variable header is refused',
    async run(scene) {
      await refusesConnect(scene, Buffer.concat([Buffer.from([0x10, 7]), field('MQTT'), Buffer.from([4])]));
    },
  },
  {
    clause: 'MQTT-3.1.3-3',
    title: 'CONNECT without a client id is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ payload: [] }));
    },
  },
  {
    clause: 'MQTT-3.1.4-1',
    title: 'CONNECT with a client id longer than the packet is refused',
    async run(scene) {
      await refusesConnect(scene, connect({ payload: [u16(40), Buffer.from('short')] }));
    },
  },
  {
    clause: 'MQTT-3.1.4-4',
    title: 'a good CONNECT is answered with CONNACK 0 as the first packet',
    async run(scene) {
      const { connack } = await scene.client('a');
      has('connack', connack, { returnCode: 0, sessionPresent: false });
    },
  },
  {
    clause: 'MQTT-3.2.0-1',
    title: 'CONNACK comes first, before the messages of a resumed session',
    async run(scene) {
      const first = await scene.subscriber('a', scene.topic('x'), 1, { clean: false });
      await first.disconnect();
      await scene.publishes(scene.topic('x'), 'kept', { qos: 1 });
      const peer = await scene.connecting('a', { clean: false });
      const [head] = [await peer.inbox.take((packet): packet is typeof packet => packet.cmd.length > 0, 'a packet')];
      same('first packet', head.cmd, 'connack');
    },
  },
  {
    clause: '3.1.4',
    title: 'packets sent with CONNECT, before CONNACK, are processed',
    async run(scene) {
      const peer = await scene.dial();
      const topic = scene.topic('a');
      peer.send(
        { cmd: 'connect', clientId: scene.id('a'), clean: true, keepalive: 0, protocolId: 'MQTT', protocolVersion: 4 },
        { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] },
        { cmd: 'publish', topic, payload: 'early', qos: 0, dup: false, retain: false },
      );
      await peer.expect('connack');
      await peer.expect('suback');
      has('message', await peer.message(), { payload: 'early' });
    },
  },
  {
    clause: 'MQTT-3.1.4-1',
    title: 'a CONNECT that arrives byte by byte is accepted',
    async run(scene) {
      const peer = await scene.dial();
      for (const byte of connect({ payload: [field(scene.id('a'))] })) peer.write(Buffer.from([byte]));
      has('connack', await peer.expect('connack'), { returnCode: 0 });
    },
  },
  {
    clause: 'MQTT-3.1.2-19',
    title: 'a known user with the right password is let in',
    needs: 'credentials',
    async run(scene) {
      await scene.client('a', { username: 'known', password: Buffer.from('right') });
    },
  },
  {
    clause: 'MQTT-3.2.2-5',
    title: 'a known user with a wrong password gets CONNACK 4 or 5 without a session, then is closed',
    needs: 'credentials',
    async run(scene) {
      const bytes = connect({
        flags: FLAG.clean | USERNAME | PASSWORD,
        payload: [field(scene.id('a')), NAME, field('wrong')],
      });
      const { codes, sessions } = await answerTo(scene, bytes);
      must(codes.length === 1 && (codes[0] === 4 || codes[0] === 5), `return codes were ${codes.join(' ')}`);
      same('session present', sessions, [false]);
    },
  },
  {
    clause: '3.1.3.5',
    title: 'a password is binary: bytes that are no UTF-8 are refused as a password only',
    needs: 'credentials',
    async run(scene) {
      const flags = FLAG.clean | USERNAME | PASSWORD;
      const payload = [field(scene.id('a')), NAME, field(Buffer.from([0xff, 0, 0xfe]))];
      const { codes } = await answerTo(scene, connect({ flags, payload }));
      must(codes[0] === 4 || codes[0] === 5, `return codes were "${codes.join(' ')}"`);
    },
  },
];
