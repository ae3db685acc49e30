import { join } from 'node:path';
import { tempDir } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './database.js';

const PUT = 'INSERT INTO things (value) VALUES (?1)';

describe('a database', () => {
  let folder = tempDir();
  let database: Database;

  beforeEach(async () => {
    folder = tempDir();
    database = await Database.open(join(folder.path, 'a.db'));
    await database.execute('PRAGMA journal_mode = WAL; CREATE TABLE things (value BLOB UNIQUE)');
  });
  afterEach(async () => {
    await database.close();
    folder.remove();
  });

  it('has what the same statement wrote many times, large and small, one after the other and side by side', async () => {
    const sizes = [1, 100_000, 2, 3];
    for (const size of sizes) await database.run(PUT, Buffer.alloc(size, 'a'));
    await Promise.all(sizes.map((size) => database.run(PUT, Buffer.alloc(size, 'b'))));
    const rows = await database.rows(
      'SELECT length(value) AS size, CAST(substr(value, 1, 1) AS TEXT) AS of FROM things',
    );
    const written = (of: string): unknown[] => rows.filter((row) => row.of === of).map(({ size }) => size);
    expect(written('a')).toEqual(sizes);
    // Which of those that were asked for at once comes first, nobody promises.
    expect(new Set(written('b'))).toEqual(new Set(sizes));
    expect(rows).toHaveLength(2 * sizes.length);
  });

  it('goes on with a statement that failed, and with one after the table changed', async () => {
    await database.run(PUT, 'once');
    await expect(database.run(PUT, 'once')).rejects.toThrow(/UNIQUE/);
    await database.run(PUT, 'twice');
    await database.execute('ALTER TABLE things ADD COLUMN note TEXT; VACUUM');
    await database.run(PUT, 'three times');
    expect(await database.rows('SELECT value FROM things')).toHaveLength(3);
  });

  it('refuses what names no table', async () => {
    await expect(database.run('INSERT INTO elsewhere VALUES (1)')).rejects.toThrow(/no such table/);
  });

  it('holds no commit back: another connection sees it at once', async () => {
    const other = await Database.open(join(folder.path, 'a.db'));
    for (let at = 1; at <= 3; at += 1) {
      await database.run(PUT, at);
      expect(await other.rows('SELECT count(*) AS count FROM things')).toEqual([{ count: at }]);
    }
    await other.close();
  });
});
