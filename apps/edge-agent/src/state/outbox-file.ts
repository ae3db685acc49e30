import { Database } from './database.js';
import { TABLES } from './outbox-schema.js';

/** Pages of the log that are written back together: more at once is cheaper, and keeps the next commit waiting for longer. */
const CHECKPOINT_PAGES = 2_000;
/** A file that holds nothing gives its space back when it is larger than this, bytes. */
const MAX_IDLE_BYTES = 32 * 1024 * 1024;

/** Opens the file, made when there is none. It is not read through: with millions of messages that would take minutes. */
export async function openOutboxFile(path: string): Promise<Database> {
  const database = await Database.open(path);
  try {
    const pragmas = ['journal_mode = WAL', 'synchronous = FULL', 'cache_size = -1024'];
    pragmas.push(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`, `journal_size_limit = ${MAX_IDLE_BYTES}`);
    await database.execute(pragmas.map((pragma) => `PRAGMA ${pragma};`).join(' '));
    await database.execute(TABLES);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Gives the space of a file without messages back to the disk. */
export async function shrink(database: Database): Promise<void> {
  const [size] = await database.rows('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size');
  if (Number(size?.bytes) > MAX_IDLE_BYTES) await database.execute('VACUUM');
}
