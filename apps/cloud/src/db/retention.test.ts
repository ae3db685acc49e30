import { type TempDir, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../log/index.js';
import { type Database, openDatabase, Retention, Settings, Settings1700000000000 } from './index.js';
import { retentionTime } from './retention.js';
import { DIALECTS, testDatabases } from './test-databases.js';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const START = Date.parse('2026-01-01T00:00:00Z');

describe('the time of forgetting', () => {
  it('is the time, while that goes on as it should', () => {
    expect(retentionTime({ last: START, elapsed: HOUR }, START + HOUR)).toBe(START + HOUR);
  });

  it('catches up after a rest of the hub, at twice the pace of time', () => {
    expect(retentionTime({ last: START, elapsed: HOUR }, START + 100 * HOUR)).toBe(START + 2 * HOUR);
  });

  it('follows a clock that was set back', () => {
    expect(retentionTime({ last: START, elapsed: HOUR }, START - HOUR)).toBe(START - HOUR);
  });
});

describe.each(DIALECTS)('what a hub forgets on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: TempDir;
  let db: Database;

  beforeAll(async () => {
    folder = tempDir();
    const schema = { entities: [Settings], migrations: [Settings1700000000000] };
    db = openDatabase({ folder: folder.path, url: await databases.fresh() }, schema);
    await db.start('epoch');
  });
  afterAll(async () => {
    await db.stop();
    folder.remove();
  });

  /** A hub that was just started, with records that end at the given times. */
  const started = (ends: number[]): Retention => {
    const retention = new Retention(db, createLog('silent'));
    retention.add<number>({
      what: 'records',
      find: (now, limit) => Promise.resolve(ends.filter((end) => end < now).slice(0, limit)),
      remove: (_tx, gone) => Promise.resolve(ends.splice(0, ends.length, ...ends.filter((end) => !gone.includes(end)))),
    });
    return retention;
  };

  it('is not what only a clock set wrong makes old, in one start of the hub or in many', async () => {
    const ends = [START - 1, START + YEAR];
    expect(await started(ends).run({ now: START, monotonic: performance.now() })).toEqual(new Map([['records', 1]]));
    for (let start = 0; start < 10; start += 1) {
      const monotonic = performance.now() + HOUR;
      expect(await started(ends).run({ now: START + 20 * YEAR, monotonic })).toEqual(new Map([['records', 0]]));
    }
    expect(ends).toEqual([START + YEAR]);
  });

  it('are more records than are removed at a time', async () => {
    const ends = Array.from({ length: 2500 }, (_, n) => START - 1 - n);
    expect(await started(ends).run({ now: START, monotonic: performance.now() })).toEqual(new Map([['records', 2500]]));
    expect(ends).toEqual([]);
  });
});
