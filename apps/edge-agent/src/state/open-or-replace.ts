import type { Logger } from 'pino';
import { BrokenFile, isBroken, moveAside, openedSound } from './broken.js';
import { Database } from './database.js';

export interface OpenOptions {
  readonly path: string;
  /** Brings the tables up to date, and looks whether they are what they should be. */
  readonly prepare: (database: Database) => Promise<void>;
  /** Names a file that is moved aside: epoch milliseconds. */
  readonly now: number;
  readonly log: Pick<Logger, 'error'>;
}

/**
 * Opens a database that is sound and up to date. A broken one is moved aside, `path.broken-time`, and a new one made: the hub sends
 * again what was in it, and containers are found by their labels.
 * @throws EdgeError `out_of_disk`, `config_invalid`, `database_unavailable`.
 */
export async function openOrReplace(options: OpenOptions): Promise<Database> {
  const { path, now, log } = options;
  try {
    return await openSound(options);
  } catch (error) {
    if (!isBroken(error)) throw error;
    const aside = await moveAside(path, now);
    log.error({ err: error, aside }, 'the database was broken: moved aside, a new one made');
    return await openSound(options);
  }
}

function openSound({ path, prepare }: OpenOptions): Promise<Database> {
  return openedSound(path, async () => {
    const database = await Database.open(path);
    try {
      await database.execute('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512');
      await check(database);
      await prepare(database);
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  });
}

async function check(database: Database): Promise<void> {
  const found = (await database.rows('PRAGMA quick_check(1)')).flatMap((row) => Object.values(row));
  if (found.length === 1 && found[0] === 'ok') return;
  throw new BrokenFile(`quick_check found: ${found.map(String).join('; ')}`);
}
