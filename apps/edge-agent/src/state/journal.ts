import { EdgeError } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { Database } from './database.js';
import { openOrReplace } from './open-or-replace.js';

const MIB = 1024 * 1024;
/** Bytes that may wait for the disk; more is refused. */
const MAX_WAITING = 64 * MIB;
const RETRY_MS = 1_000;

const TABLE = 'CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID';
/** `?1`: JSON list of [key, offset, length]; `?2`: all values one after the other. Two values, however many records. */
const PUT = `INSERT INTO records (key, value)
  SELECT json_extract(value, '$[0]'), coalesce(substr(?2, json_extract(value, '$[1]') + 1, json_extract(value, '$[2]')), x'')
  FROM json_each(?1) WHERE true ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const DELETE = 'DELETE FROM records WHERE key IN (SELECT value FROM json_each(?1))';
const READ = 'SELECT key, value FROM records WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3';
const PAGE = 1_000;

export interface JournalOptions {
  /** The database file, which is the journal's alone. */
  readonly path: string;
  readonly clock: Pick<Clock, 'now' | 'timer'>;
  readonly log: Pick<Logger, 'error' | 'info'>;
}

/** What is written together, and who waits for it. */
interface Batch {
  /** Newest value of each key; null: the record goes. */
  readonly changes: Map<string, Uint8Array | null>;
  bytes: number;
  readonly committed: Promise<void>;
  readonly settle: (error?: Error) => void;
}

/**
 * Small records by key that outlive a power cut. Group commit: what is asked for while one commit is under way becomes the next one, so
 * that a commit carries as many changes as the load brings; of a key that changes twice meanwhile only the last value is written.
 */
export class Journal {
  readonly #options: JournalOptions;
  #database: Database | undefined;
  #next: Batch = newBatch();
  #writing: Promise<void> | undefined;
  #resting: Cancel | undefined;
  #failing = false;
  /** Changes and commits that are on the disk. */
  changes = 0;
  commits = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Opens the file; a broken one is moved aside. @throws EdgeError when that cannot be done. */
  async start(): Promise<void> {
    const { path, clock, log } = this.#options;
    this.#database = await openOrReplace({ path, prepare, now: clock.now(), log });
  }

  /** Writes what waits, and closes. */
  async stop(): Promise<void> {
    this.#resting?.();
    this.#resting = undefined;
    this.#begin();
    await this.#writing;
    this.#next.settle(new EdgeError('overloaded', 'The agent stops.'));
    await this.#database?.close();
    this.#database = undefined;
  }

  /** Whether the last try to write failed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** All records whose key begins with a prefix, in order of their keys. Call it before anything is changed. */
  async *read(prefix: string): AsyncGenerator<readonly [key: string, value: Buffer]> {
    const end = `${prefix}\u{10ffff}`;
    for (let from = prefix; ;) {
      const rows = (await this.#database?.rows(READ, from, end, PAGE)) ?? [];
      for (const { key, value } of rows) if (Buffer.isBuffer(value)) yield [String(key), value];
      const last = rows.at(-1);
      if (rows.length < PAGE || last === undefined) return;
      from = `${String(last.key)}\0`;
    }
  }

  /** Resolves when the record is on the disk. @throws EdgeError `overloaded`, or what the disk said. */
  put(key: string, value: Uint8Array): Promise<void> {
    if (this.#next.bytes + value.byteLength > MAX_WAITING)
      return Promise.reject(new EdgeError('overloaded', 'The disk does not keep up.'));
    return this.#change(key, value);
  }

  delete(key: string): Promise<void> {
    return this.#change(key, null);
  }

  #change(key: string, value: Uint8Array | null): Promise<void> {
    const batch = this.#next;
    batch.bytes += (value?.byteLength ?? 0) - (batch.changes.get(key)?.byteLength ?? 0);
    batch.changes.set(key, value);
    if (batch.changes.size === 1 && this.#writing === undefined && this.#resting === undefined)
      setImmediate(() => {
        this.#begin();
      });
    return batch.committed;
  }

  #begin(): void {
    if (this.#writing !== undefined || this.#resting !== undefined || this.#next.changes.size === 0) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      this.#begin();
    });
  }

  async #write(): Promise<void> {
    const batch = this.#next;
    this.#next = newBatch();
    try {
      await this.#commit(batch);
      this.#told(false);
      batch.settle();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#told(true, error);
      this.#keep(batch);
      batch.settle(error);
      this.#resting = this.#options.clock.timer(RETRY_MS, () => {
        this.#resting = undefined;
        this.#begin();
      });
    }
  }

  async #commit({ changes }: Batch): Promise<void> {
    const database = this.#database;
    if (database === undefined) throw new Error('the journal is not open');
    const puts = [...changes].filter((one): one is [string, Uint8Array] => one[1] !== null);
    const gone = [...changes].flatMap(([key, value]) => (value === null ? [key] : []));
    const put = (): Promise<void> => database.run(PUT, indexOf(puts), Buffer.concat(puts.map(([, value]) => value)));
    const drop = (): Promise<void> => database.run(DELETE, JSON.stringify(gone));
    // A single statement is a transaction of its own, and saves two hops to the thread that writes.
    if (gone.length === 0) await put();
    else if (puts.length === 0) await drop();
    else await database.write(() => Promise.all([put(), drop()]).then(() => undefined));
    this.changes += changes.size;
    this.commits += 1;
  }

  /** Nobody is told that it is stored, but what it says is still true of memory: it is written as soon as that works again. */
  #keep({ changes }: Batch): void {
    const next = this.#next;
    for (const [key, value] of changes) {
      if (next.changes.has(key)) continue;
      next.changes.set(key, value);
      next.bytes += value?.byteLength ?? 0;
    }
  }

  #told(failing: boolean, error?: Error): void {
    if (failing === this.#failing) return;
    this.#failing = failing;
    const { log, path } = this.#options;
    if (failing) log.error({ err: error, path }, 'writing failed; it is tried again');
    else log.info({ path }, 'writing works again');
  }
}

async function prepare(database: Database): Promise<void> {
  await database.execute(TABLE);
  await database.rows('SELECT key, value FROM records LIMIT 0');
}

function newBatch(): Batch {
  let settle: Batch['settle'] = () => undefined;
  const committed = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  // A change that nobody waits for may fail: it is tried again.
  committed.catch(() => undefined);
  return { changes: new Map(), bytes: 0, committed, settle };
}

function indexOf(puts: readonly (readonly [string, Uint8Array])[]): string {
  let at = 0;
  const index = puts.map(([key, { byteLength }]) => {
    const entry = [key, at, byteLength];
    at += byteLength;
    return entry;
  });
  return JSON.stringify(index);
}
