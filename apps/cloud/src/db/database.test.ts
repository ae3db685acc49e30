import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Postgres, startPostgres, type TempDir, tempDir, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Column,
  DataSource,
  type EntityManager,
  Entity,
  type MigrationInterface,
  PrimaryColumn,
  type QueryRunner,
} from 'typeorm';
import {
  type Database,
  databaseLost,
  FolderLock,
  MasterKey,
  openDatabase,
  Settings,
  Settings1700000000000,
} from './index.js';
import { cannotOpen } from './open-words.js';
import { SoleUse } from './sole-use.js';
import { DIALECTS, testDatabases } from './test-databases.js';

@Entity('things')
class Thing {
  @PrimaryColumn({ type: 'text' })
  id = '';

  @Column({ type: 'integer' })
  count = 0;
}

class Things1800000000000 implements MigrationInterface {
  readonly name = 'Things1800000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE things (id text PRIMARY KEY, count integer NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE things');
  }
}

const SCHEMA = { entities: [Settings, Thing], migrations: [Settings1700000000000, Things1800000000000] };

describe.each(DIALECTS)('a database on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: TempDir;
  let url: string | undefined;
  let db: Database;

  const open = async (epoch: string): Promise<Database> => {
    const opened = openDatabase({ folder: folder.path, url }, SCHEMA);
    await opened.start(epoch);
    return opened;
  };
  const made = (id: string): Promise<unknown> => db.write((tx) => tx.insert(Thing, { id, count: 0 }));
  const countOf = async (id: string): Promise<number | undefined> => (await db.read.findOneBy(Thing, { id }))?.count;

  beforeAll(async () => {
    folder = tempDir();
    url = await databases.fresh();
    db = await open('first');
  });
  afterAll(async () => {
    await db.stop();
    folder.remove();
  });

  it('keeps its name, its revision and what is in it over a restart', async () => {
    await made('kept');
    const revision = await db.write((tx) => db.nextRevision(tx));
    await db.stop();
    db = await open('second');
    expect(db.epoch).toBe('first');
    expect(await db.revision()).toBe(revision);
    expect(await countOf('kept')).toBe(0);
    expect(await db.write((tx) => db.nextRevision(tx))).toBe(revision + 1);
  });

  it('keeps whose it is, also when it was made before it could', async () => {
    await db.write((tx) => tx.query('ALTER TABLE settings DROP COLUMN authority'));
    await db.write((tx) => tx.query("DELETE FROM migrations WHERE name LIKE 'SettingsMarks%'"));
    await db.stop();
    db = await open('second');
    expect(await db.mark('authority')).toBeUndefined();
    await db.setMark('authority', 'abc');
    expect(await db.mark('authority')).toBe('abc');
  });

  it('gives each of many who ask at once a revision of its own', async () => {
    const before = await db.revision();
    const all = await Promise.all(Array.from({ length: 50 }, () => db.write((tx) => db.nextRevision(tx))));
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => before + n + 1));
  });

  it('takes all of a write or nothing of it, also beside others that succeed', async () => {
    const bad = async (tx: EntityManager): Promise<void> => {
      await tx.insert(Thing, { id: 'half', count: 0 });
      throw new Error('changed my mind');
    };
    const all = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, n) => made(`whole-${n}`)),
      ...Array.from({ length: 20 }, () => db.write(bad)),
    ]);
    expect(all.map(({ status }) => status).filter((status) => status === 'fulfilled')).toHaveLength(20);
    expect(await countOf('half')).toBeUndefined();
    for (let n = 0; n < 20; n += 1) expect(await countOf(`whole-${n}`)).toBe(0);
  });

  it('loses no increment of many at once', async () => {
    await made('counter');
    await Promise.all(
      Array.from({ length: 50 }, () => db.write((tx) => tx.increment(Thing, { id: 'counter' }, 'count', 1))),
    );
    expect(await countOf('counter')).toBe(50);
  });

  it('runs writes that lock each other out again, until all are done', async () => {
    await made('left');
    await made('right');
    const both = (ids: string[]) => (tx: EntityManager) =>
      ids.reduce<Promise<unknown>>(
        (done, id) => done.then(() => tx.increment(Thing, { id }, 'count', 1)),
        Promise.resolve(),
      );
    const orders = Array.from({ length: 4 }, (_, n) => (n % 2 === 0 ? ['left', 'right'] : ['right', 'left']));
    await Promise.all(orders.map((ids) => db.write(both(ids))));
    expect([await countOf('left'), await countOf('right')]).toEqual([4, 4]);
  });

  it('shows no reader what is not committed', async () => {
    await made('seen');
    let during: number | undefined;
    await db.write(async (tx) => {
      await tx.update(Thing, { id: 'seen' }, { count: 7 });
      during = await countOf('seen');
    });
    expect([during, await countOf('seen')]).toEqual([0, 7]);
  });

  it('takes text of every kind as it is', async () => {
    for (const id of ["'; DROP TABLE things; --", '💥', 'ÿ'.repeat(2000), '$1 ? :id', '\\', '\n']) {
      await made(id);
      expect(await countOf(id)).toBe(0);
    }
  });
});

describe('a PostgreSQL database that goes away', () => {
  let server: Postgres;
  let folder: TempDir;
  let db: Database;
  let other: DataSource;

  beforeAll(async () => {
    server = await startPostgres();
    folder = tempDir();
    const url = await server.createDatabase();
    db = openDatabase({ folder: folder.path, url }, SCHEMA);
    await db.start('epoch');
    other = await new DataSource({ type: 'postgres', url }).initialize();
  }, 120_000);
  afterAll(async () => {
    await other.destroy();
    await db.stop();
    await server.stop();
    folder.remove();
  });

  it('is said to be away, and used again when it is back, with all that was acknowledged', async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const write = async (n: number): Promise<void> => {
        const id = `${round}-${n}`;
        await db.write((tx) => tx.insert(Thing, { id, count: 0 }));
        acknowledged.push(id);
      };
      const underWay = Promise.allSettled(Array.from({ length: 100 }, (_, n) => write(n)));
      await server.down();
      const refused = (await underWay).flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      for (const error of refused) expect(error).toMatchObject({ code: 'database_unavailable' });
      await expect(db.ping()).rejects.toMatchObject({ code: 'database_unavailable' });
      await server.up();
      await db.ping();
      await write(1000);
    }
    const kept = new Set((await db.read.find(Thing)).map(({ id }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  });

  it('is held for one hub, also after it was away', async () => {
    await expect(new SoleUse(other).hold(0)).rejects.toMatchObject({ code: 'data_folder_in_use' });
    const holder = async (): Promise<unknown> => {
      const found: { pid: number }[] = await other.query(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted",
      );
      return found[0]?.pid;
    };
    const before = await holder();
    await other.query('SELECT pg_terminate_backend($1)', [before]);
    await until(async () => {
      await db.write((tx) => tx.insert(Thing, { id: randomUUID(), count: 0 }));
      const now = await holder();
      return now !== undefined && now !== before;
    });
  });
});

describe('a SQLite database on a disk that is full', () => {
  let folder: TempDir;
  let db: Database;
  const thing = (id: string): Promise<unknown> => db.write((tx) => tx.insert(Thing, { id, count: 0 }));
  const untilRefused = async (next: (n: number) => Promise<unknown>): Promise<unknown> => {
    for (let n = 0; ; n += 1) {
      try {
        await next(n);
      } catch (error) {
        return error;
      }
    }
  };

  beforeAll(async () => {
    folder = tempDir();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', folder.path]);
    db = openDatabase({ folder: folder.path, url: undefined }, SCHEMA);
    await db.start('epoch');
  });
  afterAll(async () => {
    await db.stop();
    execFileSync('umount', [folder.path]);
    folder.remove();
  });

  it('says so, is not ready, and has on the disk what it acknowledges when there is room again', async () => {
    // While somebody reads, SQLite cannot take back the room that its log uses.
    await db.read.query('BEGIN');
    await db.read.find(Thing);
    const large = 'x'.repeat(20_000);
    await expect(untilRefused((n) => thing(`${n}-${large}`))).resolves.toMatchObject({ code: 'database_unavailable' });
    await expect(untilRefused(() => db.ready())).resolves.toMatchObject({ code: 'database_unavailable' });
    await expect(thing('one more')).rejects.toMatchObject({ code: 'database_unavailable' });
    execFileSync('mount', ['-o', 'remount,size=16m', folder.path]);
    await db.ready();
    await db.read.query('COMMIT');
    const acknowledged = Array.from({ length: 50 }, (_, n) => `after-${n}`);
    for (const id of acknowledged) await thing(id);
    // Another connection sees what is committed, and nothing else.
    const ids = new Set((await db.read.find(Thing)).map(({ id }) => id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
  });
});

describe('the master key', () => {
  const marks = (): Pick<Database, 'mark' | 'setMark'> => {
    const kept = new Map<string, string>();
    return {
      mark: (which) => Promise.resolve(kept.get(which)),
      setMark: (which, value) => Promise.resolve(void kept.set(which, value)),
    };
  };

  it('is made with a new database, and is the only one that opens it again', async () => {
    const folder = tempDir();
    const [path, other] = [join(folder.path, 'a', 'key'), join(folder.path, 'b', 'key')];
    const database = marks();
    const key = await MasterKey.openFor(database, path);
    expect((await MasterKey.openFor(database, path)).passphraseFor('x')).toBe(key.passphraseFor('x'));
    await expect(MasterKey.openFor(database, other)).rejects.toMatchObject({ code: 'key_file_unreadable' });
    expect(existsSync(other)).toBe(false);
    await MasterKey.open(other);
    await database.setMark('authority', 'abcdefghijklmnop');
    await expect(MasterKey.openFor(database, other)).rejects.toThrow(/another key.*authority abcdefghijkl…; restore/);
    folder.remove();
  });
});

describe('a database that cannot be opened', () => {
  it('is named without its password, with the setting to look at', () => {
    const error = cannotOpen(new Error('connect ECONNREFUSED'), { url: 'postgres://me:secret@db.test/hub', file: '' });
    expect(error).toMatchObject({ code: 'database_unavailable' });
    expect(error.detail).toMatch(/hub at db\.test:5432.*ECONNREFUSED.*SELVAGE_DATABASE_URL/);
    expect(error.detail).not.toContain('secret');
  });

  it('is named with the code when the driver says nothing, as for a host with several addresses', () => {
    const silent = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' });
    expect(cannotOpen(silent, { url: 'postgres://db.test/hub', file: '' }).detail).toContain('ECONNREFUSED');
  });

  it('is the file itself when it is damaged, or its folder when it cannot be written', async () => {
    const folder = tempDir();
    const file = join(folder.path, 'hub.db');
    writeFileSync(file, 'x'.repeat(8192));
    const damaged = openDatabase({ folder: folder.path, url: undefined }, SCHEMA);
    await expect(damaged.start('epoch')).rejects.toThrow(/hub\.db: .*not a database.*restore the file from a backup/);
    await damaged.stop();
    await expect(new FolderLock(join(file, 'x')).take()).rejects.toMatchObject({ code: 'database_unavailable' });
    folder.remove();
  });

  it('is told to be restored when part of its file is damaged, whenever that is met', async () => {
    const folder = tempDir();
    const db = openDatabase({ folder: folder.path, url: undefined }, SCHEMA);
    await db.start('epoch');
    await db.write((tx) => tx.insert(Thing, { id: 'x'.repeat(100_000), count: 0 }));
    await db.stop();
    const file = join(folder.path, 'hub.db');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill('garbage', 4096));
    const again = openDatabase({ folder: folder.path, url: undefined }, SCHEMA);
    const met = again.start('epoch').then(() => again.write((tx) => tx.find(Thing)));
    await expect(met).rejects.toMatchObject({ code: 'database_damaged' });
    await expect(met).rejects.toThrow(/hub\.db: .*restore the file from a backup/);
    await again.stop();
    folder.remove();
  });
});

describe('a database that does not answer now', () => {
  it.each(['57014', '57P01', '08006', 'ECONNRESET'])('is said to be away for %s', (code) => {
    const driverError = Object.assign(new Error('canceling statement'), { code });
    expect(databaseLost(Object.assign(new Error('query failed'), { driverError }))?.code).toBe('database_unavailable');
  });

  it('is not blamed for anything else', () => {
    expect(databaseLost(Object.assign(new Error('duplicate key'), { code: '23505' }))).toBeUndefined();
  });
});
