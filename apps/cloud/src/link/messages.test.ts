import { type DownFrame, EdgeError, type frames } from '@selvage/protocol';
import { tempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Database, openDatabase, Settings, Settings1700000000000 } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { createLog } from '../log/index.js';
import { MessagePosition } from './messages.entity.js';
import { MessageIntake, type MessageSource } from './messages-intake.js';
import { Messages1700000001600, MessagesTouched1700000001700 } from './messages.migration.js';
import { MessagePositions } from './messages-positions.service.js';
import { MessageWriter } from './messages-writer.js';
import { type InboundMessage, MessageRegistry } from './messages.js';

const migrations = [Settings1700000000000, Messages1700000001600, MessagesTouched1700000001700];
const schema = { entities: [Settings, MessagePosition], migrations };
const flow = { pause: (): void => undefined, resume: (): void => undefined };

/** A link as the floor sees it, with what it was told. */
class Link implements MessageSource {
  readonly ref: { project: string; node: string };
  readonly key: string;
  readonly told: string[] = [];
  readonly details: string[] = [];

  constructor(node: string) {
    this.ref = { project: 'default', node };
    this.key = `default/${node}`;
  }

  send(frame: DownFrame): void {
    if (frame.t === 'settled') this.told.push(`settled ${frame.epoch} ${frame.lane} ${frame.upTo}`);
    if (frame.t === 'rejected') this.told.push(`rejected ${frame.seq} ${frame.code}`);
    if (frame.t === 'rejected') this.details.push(frame.detail);
  }
}

function items(lane: string, first: number, ...bodies: readonly string[]): frames.Message[] {
  return bodies.map((body, at) => ({ seq: first + at, lane, at: 0, body: Buffer.from(body) }));
}

describe.each(DIALECTS)('messages that come in, on %s,', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: ReturnType<typeof tempDir>;
  let db: Database;
  let registry: MessageRegistry;
  let writer: MessageWriter;
  let broken: (bodies: readonly string[]) => void;
  let batches: number;
  const committed: string[] = [];
  const textOf = ({ body }: InboundMessage): string => Buffer.from(body).toString();
  const take = (link: Link, epoch: string, ...list: readonly frames.Message[]): void => {
    writer.take(link, flow, { t: 'messages', epoch, items: [...list] });
  };
  const told = async (link: Link, count: number): Promise<string[]> => {
    await until(() => link.told.length >= count, { describe: () => link.told.join() });
    return link.told;
  };
  const rows = async (): Promise<string[]> => {
    const found = await db.read.query<{ text: string }[]>('SELECT text FROM arrived ORDER BY id');
    return found.map(({ text }) => text);
  };
  const newWriter = (): MessageWriter => new MessageWriter(db, registry, new MessagePositions(db), createLog('silent'));

  beforeEach(async () => {
    folder = tempDir();
    db = openDatabase({ folder: folder.path, url: await databases.fresh() }, schema);
    await db.start('epoch');
    const id = dialect === 'SQLite' ? 'INTEGER PRIMARY KEY' : 'SERIAL PRIMARY KEY';
    await db.write((tx) => tx.query(`CREATE TABLE arrived (id ${id}, text TEXT)`));
    [broken, batches, committed.length] = [(): void => undefined, 0, 0];
    registry = new MessageRegistry();
    registry.add({
      lane: 'data',
      apply: async (tx, messages, refuse) => {
        batches += 1;
        for (const message of messages) {
          const text = `${message.ref.node} ${textOf(message)}`;
          if (text.endsWith('no')) refuse(message, new EdgeError('forbidden', 'Not this one.'));
          else await tx.query(`INSERT INTO arrived (text) VALUES ('${text}')`);
        }
        broken(messages.map(textOf));
      },
      committed: (messages) => committed.push(...messages.map(textOf)),
    });
    registry.addJson({
      lane: 'json',
      schema: z.object({ n: z.number() }),
      apply: async (tx, messages, refuse) => {
        for (const message of messages)
          if (message.value.n < 0) refuse(message, new EdgeError('forbidden', 'Below zero.'));
          else await tx.query(`INSERT INTO arrived (text) VALUES ('n=${message.value.n}')`);
      },
    });
    writer = newWriter();
  });
  afterEach(async () => {
    await writer.stop();
    await db.stop();
    folder.remove();
  });

  it('are written once, many nodes in one transaction, and then told of', async () => {
    const [a, b] = [new Link('a'), new Link('b')];
    take(a, 'e', ...items('data', 1, 'one', 'two'));
    take(b, 'e', ...items('data', 1, 'one'));
    expect([await told(a, 1), await told(b, 1)]).toEqual([['settled e data 2'], ['settled e data 1']]);
    expect(await rows()).toEqual(['a one', 'a two', 'b one']);
    expect(batches).toBe(1);
    expect(committed).toEqual(['one', 'two', 'one']);
  });

  it('are known when they come again, over another link or to another hub, and an outbox that is new is not', async () => {
    const [first, second] = [new Link('a'), new Link('a')];
    take(first, 'e', ...items('data', 5, 'five', 'six'));
    await told(first, 1);
    writer.forget(first);
    writer = newWriter();
    take(second, 'e', ...items('data', 5, 'five', 'six', 'seven'));
    take(second, 'new', ...items('data', 1, 'fresh'));
    expect(await told(second, 2)).toEqual(['settled e data 7', 'settled new data 1']);
    expect(await rows()).toEqual(['a five', 'a six', 'a seven', 'a fresh']);
  });

  it('of lanes that nobody takes leave nothing behind, whatever a node calls them', async () => {
    const link = new Link('a');
    take(link, 'e', ...['data/hot', 'data/1', 'Data'].flatMap((lane, at) => items(lane, at + 1, 'x')));
    expect(await told(link, 6)).toEqual([
      ...['rejected 1 not_found', 'settled e data/hot 1'],
      ...['rejected 2 not_found', 'settled e data/1 2'],
      ...['rejected 3 not_found', 'settled e Data 3'],
    ]);
    expect(await db.read.count(MessagePosition)).toBe(0);
  });

  it('of any number of outboxes leave the positions of the last ones used', async () => {
    const [rogue, other] = [new Link('a'), new Link('b')];
    take(other, 'kept', ...items('data', 1, 'x'));
    await told(other, 1);
    for (let round = 0; round < 3; round += 1) {
      for (let epoch = 0; epoch < 20; epoch += 1) take(rogue, `${round}-${epoch}`, ...items('data', 1, 'x'));
      take(rogue, 'own', ...items('data', round + 1, 'y'));
      await told(rogue, 21 * (round + 1));
    }
    const left = await db.read.findBy(MessagePosition, { node: 'a' });
    expect(left.length).toBeLessThanOrEqual(8);
    expect(left.every(({ epoch }) => epoch === 'own' || epoch.startsWith('2-'))).toBe(true);
    expect(await db.read.countBy(MessagePosition, { node: 'b' })).toBe(1);
  });

  it('are rejected one by one, and again when they come again', async () => {
    const link = new Link('a');
    take(link, 'e', ...items('data', 1, 'yes', 'no', 'yes!'), ...items('nobody', 4, 'x'));
    take(link, 'e', ...items('json', 5, '{"n":1}', '{"n":"1"}', 'not json', '{"n":-1}'));
    const all = [
      'rejected 2 forbidden',
      'settled e data 3',
      'rejected 4 not_found',
      'settled e nobody 4',
      ...['rejected 6 bad_request', 'rejected 7 bad_request', 'rejected 8 forbidden', 'settled e json 8'],
    ];
    expect(await told(link, all.length)).toEqual(all);
    expect(await rows()).toEqual(['a yes', 'a yes!', 'n=1']);
    const again = new Link('a');
    take(again, 'e', ...items('data', 1, 'yes', 'no', 'yes!'));
    expect(await told(again, 2)).toEqual(['rejected 2 forbidden', 'settled e data 3']);
    expect(committed).toEqual(['yes', 'yes!']);
  });

  it('that make their slice fail are found and rejected, the others are written in order', async () => {
    broken = (bodies) => {
      if (bodies.includes('poison')) throw new Error('secret words');
    };
    const link = new Link('a');
    take(link, 'e', ...items('data', 1, '1', '2', 'poison', '4', '5'));
    await until(() => link.told.at(-1) === 'settled e data 5');
    expect(link.told).toContain('rejected 3 internal');
    expect(link.details.join()).not.toContain('secret');
    expect(await rows()).toEqual(['a 1', 'a 2', 'a 4', 'a 5']);
  });

  it('wait while the database is away, and are not blamed', async () => {
    let tries = 0;
    broken = () => {
      tries += 1;
      if (tries < 3) throw new EdgeError('database_unavailable', 'gone');
    };
    const link = new Link('a');
    take(link, 'e', ...items('data', 1, '1', '2'));
    expect(await told(link, 1)).toEqual(['settled e data 2']);
    expect(await rows()).toEqual(['a 1', 'a 2']);
  });
});

describe('the room for messages that wait', () => {
  const message = (bytes: number): frames.Message => ({ seq: 1, lane: 'a', at: 0, body: Buffer.alloc(bytes) });
  const paused: string[] = [];
  const flowOf = (name: string): typeof flow => ({
    pause: () => void paused.push(`pause ${name}`),
    resume: () => void paused.push(`resume ${name}`),
  });

  it('is bounded for each node and for all: a link is not read any further until there is some', () => {
    paused.length = 0;
    const intake = new MessageIntake({ ofNode: 5_000, ofAll: 8_000 });
    const [a, b] = [new Link('a'), new Link('b')];
    intake.add(a, flowOf('a'), { epoch: 'e', items: [message(6_000)] });
    intake.add(b, flowOf('b'), { epoch: 'e', items: [message(1_000)] });
    intake.add(b, flowOf('b'), { epoch: 'e', items: [message(1_000)] });
    expect(paused).toEqual(['pause a', 'pause b']);
    const batch = intake.batch();
    expect(batch).toHaveLength(3);
    intake.done(batch.filter(({ source }) => source === a));
    expect(paused.slice(2)).toEqual(['resume a', 'resume b']);
    intake.done(batch.filter(({ source }) => source === b));
    expect(intake.bytes).toBe(0);
  });

  it('is what is counted, whatever else was in the frame', () => {
    const intake = new MessageIntake();
    const [frame, lean] = [new Uint8Array(100_000), new Uint8Array(1_000)];
    const view = (bytes: Uint8Array, length: number): frames.Message => ({
      ...message(0),
      body: bytes.subarray(7, 7 + length),
    });
    intake.add(new Link('a'), flow, { epoch: 'e', items: [view(frame, 3), view(frame, 3)] });
    intake.add(new Link('b'), flow, { epoch: 'e', items: [view(lean, 900)] });
    const held = intake.batch().map(({ message: { body } }) => body.buffer.byteLength);
    expect(held).toEqual([3, 3, 1_000]);
  });

  it('is given back by a link that goes, also while its messages are being written', () => {
    const intake = new MessageIntake();
    const a = new Link('a');
    intake.add(a, flow, { epoch: 'e', items: [message(10), message(10)] });
    const batch = intake.batch();
    intake.add(a, flow, { epoch: 'e', items: [message(10)] });
    intake.forget(a);
    intake.done(batch);
    expect([intake.bytes, intake.batch()]).toEqual([0, []]);
  });

  it('is taken in turns, so that a backlog does not keep the others waiting', () => {
    const intake = new MessageIntake({ ofNode: 1e9, ofAll: 1e9 });
    const [busy, calm] = [new Link('busy'), new Link('calm')];
    intake.add(busy, flow, { epoch: 'e', items: Array.from({ length: 20_000 }, () => message(1)) });
    intake.add(calm, flow, { epoch: 'e', items: [message(1)] });
    expect(intake.batch().filter(({ source }) => source === calm)).toHaveLength(1);
  });
});
