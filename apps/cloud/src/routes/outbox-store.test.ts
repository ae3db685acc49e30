import type { Change, Queued } from '@selvage/outbox';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase, Settings, Settings1700000000000 } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { HubOutboxStore, LANE_COUNTS } from './outbox-store.service.js';
import { RouteCountRow, RouteReportRow, RouteRow } from './routes.entity.js';
import { RouteMessagesHeld1700000016000, Routes1700000014000 } from './routes.migration.js';

const NOTHING: Change = { append: [], remove: [], bury: [], unbury: [], drops: [], born: 1, wall: 1 };
const ALL = { messages: 5000, bytes: 1_000_000 };

describe.each(DIALECTS)('the outbox of the hub on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: TempDir;
  let db: Database;
  let store: HubOutboxStore;
  let seq = 0;

  beforeAll(async () => {
    folder = tempDir();
    const entities = [Settings, RouteRow, RouteReportRow, RouteCountRow];
    const schema = {
      entities,
      migrations: [Settings1700000000000, Routes1700000014000, RouteMessagesHeld1700000016000],
    };
    db = openDatabase({ folder: folder.path, url: await databases.fresh() }, schema);
    await db.start('epoch');
    store = new HubOutboxStore(db);
    await store.open();
  }, 60_000);
  afterAll(async () => {
    await db.stop();
    folder.remove();
  });

  const message = (lane: string, text: string, more: Partial<Queued> = {}): Queued => ({
    ...{ seq: (seq += 1), lane, at: 1_700_000_000_000 + seq, born: seq, size: 100, body: Buffer.from(text) },
    ...more,
  });
  const texts = async (lane: string, limits = ALL): Promise<string[]> =>
    (await store.read(lane, 0, limits)).map(({ body }) => Buffer.from(body).toString());
  const append = (...messages: Queued[]): Promise<void> => store.commit({ ...NOTHING, append: messages });

  it('counts what its lanes hold without reading the messages', async () => {
    await append(...Array.from({ length: 50 }, () => message('routes/large', 'x'.repeat(5000))));
    const plan = await db.write(async (tx) => {
      if (dialect === 'PostgreSQL') await tx.query('SET LOCAL enable_seqscan = off');
      return tx.query<unknown[]>(`${dialect === 'SQLite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${LANE_COUNTS}`);
    });
    expect(JSON.stringify(plan)).toMatch(
      /COVERING INDEX route_messages_held|Index Only Scan using route_messages_held/,
    );
  });

  it('gives back what was put in, byte for byte, in order and within bounds', async () => {
    const bodies = ['', '\0ÿ💥', "'; DROP TABLE routes; --", 'x'.repeat(3000)];
    await append(
      ...bodies.map((text) => message('routes/a', text)),
      message('routes/b', 'b', { key: 'k', expires: 9 }),
    );
    expect(await texts('routes/a')).toEqual(bodies);
    expect(await texts('routes/a', { messages: 2, bytes: 1000 })).toEqual(bodies.slice(0, 2));
    expect(await texts('routes/a', { messages: 9, bytes: 1 })).toEqual(bodies.slice(0, 1));
    expect(await store.read('routes/b', 0, ALL)).toMatchObject([{ key: 'k', expires: 9, size: 100 }]);
    expect(await store.expired(9, 10)).toMatchObject([{ lane: 'routes/b' }]);
  });

  it('takes more messages at a time than one statement writes, and lets them go', async () => {
    const many = Array.from({ length: 2345 }, (_, n) => message('routes/many', String(n)));
    await append(...many);
    expect(await texts('routes/many')).toEqual(many.map((_, n) => String(n)));
    await store.commit({ ...NOTHING, remove: many.slice(0, 2000) });
    expect((await store.heads('routes/many', 0, 5000)).map((head) => head.seq)).toEqual(
      many.slice(2000).map((one) => one.seq),
    );
  });

  it('says when the oldest message of each lane came into being', async () => {
    const [first, second] = [message('own/c/n1', 'x'), message('own/c/n1', 'y')];
    await append(first, second);
    expect(await store.oldest(['own/c/n1', 'own/none'])).toEqual(new Map([['own/c/n1', first.at]]));
    await store.commit({ ...NOTHING, remove: [first] });
    expect(await store.oldest(['own/c/n1'])).toEqual(new Map([['own/c/n1', second.at]]));
  });

  it('keeps dead letters with their reasons until they are gone, and all of it over a start', async () => {
    const poison = message('routes/d', 'poison', { key: 'k' });
    await append(poison, message('routes/d', 'fine'));
    await store.commit({ ...NOTHING, bury: [{ ...poison, code: 'bad_request', detail: 'no' }], born: 50, wall: 7 });
    expect(await store.deadOf([poison.seq])).toMatchObject([
      { lane: 'routes/d', key: 'k', code: 'bad_request', detail: 'no' },
    ]);
    const again = new HubOutboxStore(db);
    const { lanes, dead, lastSeq, born } = await again.open();
    expect(lanes).toContainEqual({ lane: 'routes/d', count: 1, bytes: 100 });
    expect(dead.map((head) => head.seq)).toEqual([poison.seq]);
    expect([lastSeq, born]).toEqual([seq, Math.max(50, seq)]);
    await store.commit({ ...NOTHING, unbury: [poison.seq] });
    expect(await store.deadOf([poison.seq])).toEqual([]);
  });

  it('writes nothing of a transaction that is rolled back', async () => {
    const failed = db.write(async (tx) => {
      await store.insert(tx, [message('routes/e', 'lost')]);
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await texts('routes/e')).toEqual([]);
  });
});
