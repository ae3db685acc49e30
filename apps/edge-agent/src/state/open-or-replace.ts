import { rename } from 'node:fs/promises';
import { exists } from '@selvage/pki';
import type { Logger } from 'pino';
import { Database, isBroken } from './database.js';
import { migrate } from './migrations.js';

export interface OpenOptions {
  readonly path: string;
  /** Names a file that is moved aside: epoch milliseconds. */
  readonly now: number;
  readonly log: Pick<Logger, 'error'>;
}

/**
 * Opens a database that is sound and up to date. A broken one is moved aside, `path.broken-time`, and a new one made: the hub sends
 * again what was in it, and containers are found by their labels.
 */
export async function openOrReplace({ path, now, log }: OpenOptions): Promise<Database> {
  try {
    return await openSound(path);
  } catch (error) {
    if (!isBroken(error)) throw error;
    const aside = `${path}.broken-${new Date(now).toISOString().replaceAll(':', '-')}`;
    log.error({ err: error, aside }, 'the database was broken: moved aside, a new one made');
    for (const part of ['', '-wal', '-shm']) if (await exists(path + part)) await rename(path + part, aside + part);
    return await openSound(path);
  }
}

async function openSound(path: string): Promise<Database> {
  const database = await Database.open(path);
  try {
    await database.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512');
    await check(database);
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function check(database: Database): Promise<void> {
  const found = (await database.rows('PRAGMA quick_check(1)')).flatMap((row) => Object.values(row));
  if (found.length === 1 && found[0] === 'ok') return;
  throw Object.assign(new Error(`quick_check found: ${found.map(String).join('; ')}`), { code: 'SQLITE_CORRUPT' });
}
