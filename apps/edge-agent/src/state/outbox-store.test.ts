import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LANE, DEFAULT_TOTAL, type LaneRules, Outbox } from '@selvage/outbox';
import { FakeClock, settled, tempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TABLES } from './outbox-schema.js';
import { SqliteOutboxStore } from './outbox-store.js';
import { execute } from './test-database.js';

const MANY = { messages: 1_000, bytes: 10_000_000 };

describe('the outbox on the disk', () => {
  let folder = tempDir();
  let clock: FakeClock;
  let outbox: Outbox;
  let rules: Partial<LaneRules>;
  const path = (): string => join(folder.path, 'outbox.db');
  const open = async (): Promise<Outbox> => {
    const store = new SqliteOutboxStore({ path: path(), clock, log: { error: () => undefined } });
    const opened = new Outbox({
      ...{ store, clock, total: DEFAULT_TOTAL, maxMessage: 1_000_000 },
      rules: () => ({ ...DEFAULT_LANE, ...rules }),
    });
    await opened.start();
    return opened;
  };
  const reopen = async (): Promise<void> => {
    await outbox.stop();
    outbox = await open();
  };
  const harm = (sql: string): Promise<void> => execute(path(), sql);
  const put = (lane: string, text: string): Promise<void> => outbox.append({ lane, body: Buffer.from(text) });
  const texts = async (): Promise<string[]> =>
    (await outbox.take(MANY)).map(({ body }) => Buffer.from(body).toString());
  const settleAll = async (): Promise<void> => {
    outbox.settle((await outbox.take(MANY)).map(({ seq }) => seq));
  };

  beforeEach(async () => {
    [folder, clock, rules] = [tempDir(), new FakeClock(), {}];
    outbox = await open();
  });
  afterEach(async () => {
    await outbox.stop();
    folder.remove();
  });

  it('gives back bodies byte for byte, with their keys and times', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await Promise.all([
      outbox.append({ lane: 'ü/😀', key: "device's \u0001 key", body: bytes, at: 12_345, ttlMs: 60_000 }),
      outbox.append({ lane: 'b', body: Buffer.alloc(0) }),
    ]);
    await outbox.append({ lane: 'b', body: Buffer.alloc(0) });
    await reopen();
    const [full, empty, alone] = await outbox.take(MANY);
    expect([empty?.body.byteLength, alone?.body.byteLength]).toEqual([0, 0]);
    expect(full).toMatchObject({ lane: 'ü/😀', key: "device's \u0001 key", at: 12_345, ttlMs: 60_000 });
    expect(Buffer.from(full?.body ?? []).equals(bytes)).toBe(true);
  });

  it('knows its counts, its epoch and its sequences again, and that of an empty file too', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => put(index % 2 === 0 ? 'a' : 'b', 'text')));
    const [before, { epoch }] = [outbox.lanes, outbox];
    await reopen();
    expect(outbox.lanes).toEqual(before);
    await settleAll();
    await reopen();
    expect(outbox.lanes.map(({ count, bytes }) => count + bytes)).toEqual([0, 0]);
    await put('a', 'next');
    expect((await outbox.take(MANY))[0]?.seq).toBe(51);
    expect(outbox.epoch).toBe(epoch);
  });

  it('reads no more bytes than there is room for, and one message at least', async () => {
    await Promise.all(
      [1_000, 50_000, 1_000, 1_000].map((bytes) => outbox.append({ lane: 'a', body: Buffer.alloc(bytes) })),
    );
    const sizes: number[][] = [];
    for (let taken = await outbox.take({ messages: 9, bytes: 3_000 }); taken.length > 0;) {
      sizes.push(taken.map(({ body }) => body.byteLength));
      taken = await outbox.take({ messages: 9, bytes: 3_000 });
    }
    expect(sizes).toEqual([[1_000], [50_000], [1_000, 1_000]]);
  });

  it('keeps drops and dead letters', async () => {
    rules = { maxBytes: 120 };
    for (const text of ['1', '2', '3']) await put('a', text);
    const [one] = await outbox.take({ messages: 1, bytes: 100 });
    outbox.bury(one?.seq ?? 0, { code: 'not_found', detail: 'gone' });
    await reopen();
    expect(outbox.drops).toMatchObject([{ lane: 'a', reason: 'budget', count: 1 }]);
    expect(await outbox.dead(0, 9)).toMatchObject([{ seq: 2, lane: 'a', code: 'not_found', detail: 'gone' }]);
    expect(await texts()).toEqual(['3']);
  });

  it('lets messages grow old while the machine is off, and not when the clock leaps', async () => {
    rules = { maxAgeMs: 3_600_000 };
    await put('a', 'old');
    await outbox.stop();
    clock.jumpWall(clock.now() + 400 * 24 * 3_600_000);
    outbox = await open();
    expect(outbox.lanes[0]?.count).toBe(1);
    await put('a', 'newer');
    await clock.advance(100);
    await outbox.stop();
    clock.jumpWall(clock.now() + 3_600_001);
    outbox = await open();
    await until(() => outbox.lanes[0]?.count === 0);
    expect(outbox.drops).toMatchObject([{ reason: 'age', count: 2 }]);
  });

  it('moves a file aside that is no database, with a new epoch, and says so', async () => {
    await put('a', '1');
    const { epoch } = outbox;
    await outbox.stop();
    writeFileSync(path(), Buffer.alloc(8_192, 7));
    outbox = await open();
    expect(outbox.epoch).not.toBe(epoch);
    expect(outbox.drops).toMatchObject([{ lane: '*', reason: 'broken-file', count: 1 }]);
    expect(readdirSync(folder.path).some((name) => name.startsWith('outbox.db.broken-'))).toBe(true);
    await put('a', '2');
    expect(await texts()).toEqual(['2']);
  });

  it.each<[string, () => Promise<void>]>([
    ['is a folder', () => mkdir(path())],
    ['belongs to something else', () => harm('CREATE TABLE meta (x)')],
    [
      'counts past what can be counted',
      () => harm(`${TABLES} INSERT INTO meta VALUES (1, 'e', 9007199254740992, 0, 0)`),
    ],
  ])('moves a file aside that %s', async (_what, damage) => {
    await outbox.stop();
    rmSync(path());
    await damage();
    outbox = await open();
    expect(outbox.drops).toMatchObject([{ reason: 'broken-file' }]);
    expect(readdirSync(folder.path).some((name) => name.startsWith('outbox.db.broken-'))).toBe(true);
    await put('a', '1');
    expect(await texts()).toEqual(['1']);
  });

  it('delivers a message whose time is damaged, and passes over a drop that it does not know', async () => {
    await put('a', '1');
    await outbox.stop();
    await harm("UPDATE messages SET at = 'soon'; INSERT INTO drops VALUES ('a', 'of the future', 1, 1, 1, 1)");
    outbox = await open();
    expect(outbox.drops).toEqual([]);
    expect((await outbox.take(MANY)).map(({ seq, at }) => [seq, at])).toEqual([[1, 0]]);
  });

  it('counts what it held when the file breaks under it, and goes on with a new one', async () => {
    await Promise.all(Array.from({ length: 200 }, () => outbox.append({ lane: 'a', body: Buffer.alloc(500) })));
    await reopen();
    const { epoch } = outbox;
    await outbox.stop();
    const size = statSync(path()).size;
    const file = Buffer.alloc(size - 8 * 4_096, 0xee);
    const whole = await import('node:fs/promises').then(({ readFile }) => readFile(path()));
    writeFileSync(path(), Buffer.concat([whole.subarray(0, 8 * 4_096), file]));
    outbox = await open();
    expect(await outbox.take(MANY)).toEqual([]);
    await until(async () => {
      await clock.advance(1_000);
      await settled();
      return outbox.epoch !== epoch;
    });
    expect(outbox.drops).toMatchObject([{ lane: 'a', reason: 'broken-file', count: 200 }]);
    await put('a', 'again');
    expect(await texts()).toEqual(['again']);
  });

  it('gives space back when all is delivered', async () => {
    await Promise.all(Array.from({ length: 60 }, () => outbox.append({ lane: 'a', body: Buffer.alloc(900_000) })));
    expect(statSync(path()).size + statSync(`${path()}-wal`).size).toBeGreaterThan(40_000_000);
    for (let left = 60; left > 0; left = outbox.lanes[0]?.count ?? 0) await settleAll();
    await reopen();
    expect(statSync(path()).size).toBeLessThan(1_000_000);
  });

  it('opens with many messages by reading the counts only', async () => {
    await outbox.stop();
    await harm(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
      INSERT INTO messages SELECT i, 1, 0, 0, NULL, NULL, 49, x'00' FROM n;
      INSERT OR REPLACE INTO lanes VALUES (1, 'a', 300000, 14700000); UPDATE meta SET counted = 300000`);
    outbox = await open();
    expect(outbox.lanes).toEqual([{ lane: 'a', count: 300_000, bytes: 14_700_000 }]);
    expect((await outbox.take({ messages: 2, bytes: 1_000 })).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});
