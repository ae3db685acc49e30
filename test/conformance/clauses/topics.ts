import type { Clause } from '../clause.js';
import { publish, subscribe } from '../client/bytes.js';
import { has, must, same } from '../client/check.js';
import type { Peer } from '../client/peer.js';
import type { Scene } from '../scene.js';
import { closing } from './closing.js';

/** Filters, below a topic of the clause, that are not valid. */
const INVALID = ['a#', 'a/b#', '#/a', 'a/#/b', '##', 'a+', '+a', 'a/b+/c', 'a/+b', '++', 'a/+#'];

/** Filter, topics it matches and topics it does not. */
const MATCHES: readonly [filter: string, yes: readonly string[], no: readonly string[]][] = [
  ['a', ['a'], ['A', 'a/', '/a', 'a/b', 'ab']],
  ['a/#', ['a', 'a/', 'a/b', 'a/b/c', 'a//b'], ['ab', 'b/a', 'A/b']],
  ['+', ['a', 'ab'], ['a/b', 'a/', '/a']],
  ['a/+', ['a/', 'a/b'], ['a', 'a/b/c', 'a/b/']],
  ['+/b', ['a/b', '/b'], ['b', 'a/b/c', 'a/a/b']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/b/c', 'a/b/c/d']],
  ['+/+', ['a/b', '/', 'a/', '/a'], ['a', 'a/b/c', '//']],
  ['+/#', ['a', 'a/b', '/'], []],
  ['/a', ['/a'], ['a', '//a', '/a/']],
  ['/+', ['/a', '/'], ['a', '/a/b']],
  ['a//b', ['a//b'], ['a/b', 'a///b']],
  ['a/', ['a/'], ['a', 'a//']],
  ['#', ['a', '/', 'a/b/c'], []],
];

export const topics: readonly Clause[] = [
  ...INVALID.map((filter): Clause => ({
    clause: filter.includes('#') ? 'MQTT-4.7.1-2' : 'MQTT-4.7.1-3',
    title: `the filter ${filter} is refused`,
    async run(scene) {
      const client = await scene.client('a');
      client.write(subscribe(1, scene.topic(filter)));
      client.send({ cmd: 'pingreq' });
      // A broker may close the connection or answer 0x80 for this filter: the standard leaves it open.
      const answer = await client.expect('suback').catch(() => undefined);
      if (answer === undefined) await client.closed();
      else same('return codes', answer.granted, [0x80]);
    },
  })),
  ...MATCHES.map(([filter, yes, no]): Clause => ({
    clause: 'MQTT-4.7.1-3',
    title: `the filter ${filter} matches ${yes.join(' ')}${no.length > 0 ? `, not ${no.join(' ')}` : ''}`,
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic(filter), 1);
      const publisher = await scene.client('p');
      for (const topic of [...no, ...yes]) await publisher.publish(scene.topic(topic), topic, { qos: 1 });
      same('matched', await client.acceptMany(yes.length), yes);
      await scene.nothingFor(client);
    },
  })),
  closing('MQTT-4.7.3-1', 'an empty filter', subscribe(1, '')),
  {
    clause: '4.7.1.1',
    title: 'the filter # alone gets every topic',
    async run(scene) {
      const client = await scene.client('a');
      await client.subscribe('#', 0);
      await scene.publishes(scene.topic('deep/down'), 'found');
      const found = await client.inbox.take(
        (packet): packet is Extract<typeof packet, { cmd: 'publish' }> =>
          packet.cmd === 'publish' && packet.topic === scene.topic('deep/down'),
        'the message',
      );
      same('payload', found.payload.toString(), 'found');
    },
  },
  {
    clause: 'MQTT-4.7.3-4',
    title: 'a topic that is one slash is a topic',
    async run(scene) {
      const client = await scene.client('a');
      await client.subscribe('/', 1);
      await client.publish('/', scene.topic('slash'), { qos: 1 });
      has('message', await client.accept(), { topic: '/', payload: scene.topic('slash') });
    },
  },
  {
    clause: '4.7.3',
    title: 'topics may contain spaces',
    async run(scene) {
      const client = await scene.subscriber('a', scene.topic('Accounts payable/+'), 1);
      await client.publish(scene.topic('Accounts payable/ '), 'm', { qos: 1 });
      has('message', await client.accept(), { topic: scene.topic('Accounts payable/ ') });
    },
  },
  ...['#', '+/x'].map((filter): Clause => ({
    clause: 'MQTT-4.7.2-1',
    title: `a filter that begins with a wildcard (${filter}) does not match topics that begin with $`,
    async run(scene) {
      const reader = await scene.client('reader');
      await reader.subscribe(filter, 1);
      const publisher = await scene.client('a');
      // A broker may refuse the topic and close: either way nothing may come.
      publisher.write(publish({ flags: 2, topic: `$${scene.id('d')}/x`, id: 1 }));
      await publisher.ping().catch(() => undefined);
      same('messages from $ topics', await dollars(scene, reader), 0);
    },
  })),
  {
    clause: 'MQTT-4.7.2-1',
    title: 'the filter # does not get $SYS when it is subscribed, nor its retained messages',
    async run(scene) {
      const reader = await scene.client('reader');
      await reader.subscribe('#', 0);
      await reader.subscribe('+/+/+', 0);
      await scene.client('b');
      same('messages from $ topics', await dollars(scene, reader), 0);
    },
  },
  ...[
    ['$%/x', '$%/x'],
    ['$%/#', '$%/x/y'],
    ['$%/+/y', '$%/x/y'],
  ].map(([filter = '', topic = '']): Clause => ({
    clause: '4.7.2',
    title: `the filter ${filter.replace('%', 'name')} matches ${topic.replace('%', 'name')}`,
    async run(scene) {
      const here = (name: string): string => name.replace('%', scene.id('d'));
      const client = await scene.client('a');
      await client.subscribe(here(filter), 1);
      await client.publish(here(topic), 'm', { qos: 1 });
      has('message', await client.accept(), { topic: here(topic) });
    },
  })),
  {
    clause: 'MQTT-4.7.2-1',
    title: 'a retained message at a $ topic does not come to #',
    async run(scene) {
      const publisher = await scene.client('a');
      publisher.write(publish({ flags: 3, topic: `$${scene.id('d')}/kept`, id: 1 }));
      await publisher.ping().catch(() => undefined);
      const reader = await scene.client('b');
      await reader.subscribe('#', 1);
      await reader.subscribe('+/kept', 1);
      same('messages from $ topics', await dollars(scene, reader), 0);
    },
  },
  {
    clause: 'MQTT-4.7.3-3',
    title: 'a topic of 65535 bytes is carried or its publisher is closed',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('long/#'), 0);
      const topic = scene.topic('long/').padEnd(65_535, 'x');
      const publisher = await scene.client('a');
      publisher.write(publish({ topic, payload: 'm' }));
      await publisher.ping().catch(() => undefined);
      if (!publisher.inbox.closed) must((await reader.message()).topic === topic, 'the topic was changed');
    },
  },
  {
    clause: '4.7.3',
    title: 'a topic of 300 levels is carried or its publisher is closed; others notice nothing',
    async run(scene) {
      const reader = await scene.subscriber('reader', scene.topic('deep/#'), 0);
      const publisher = await scene.client('a');
      publisher.write(publish({ topic: scene.topic('deep') + '/l'.repeat(300) }));
      await publisher.ping().catch(() => undefined);
      if (!publisher.inbox.closed) await reader.message();
      await reader.ping();
    },
  },
];

/** How many messages this peer was given from topics that begin with `$`. */
async function dollars(scene: Scene, reader: Peer): Promise<number> {
  const came = [...(await scene.messagesOf(reader)), ...(await scene.messagesOf(reader))];
  return came.filter(({ topic }) => topic.startsWith('$')).length;
}
