import { open } from 'node:fs/promises';
import sqlite3 from 'sqlite3';
import { refuseOthers } from './broken.js';

const BUSY_MS = 5_000;
/** A prepared statement holds on to what it was run with last: with more than this, bytes, it is not kept. */
const MAX_KEPT_BYTES = 16 * 1024;

export type Value = string | number | Uint8Array | null;
export type Row = Readonly<Record<string, unknown>>;

/** One connection to a SQLite file. Writes go one after the other; each rejects when it is not on the disk. */
export class Database {
  #last: Promise<unknown> = Promise.resolve();
  /** Compiled once: to compile one, and to hop to the thread for it, takes as long as a small commit. */
  readonly #statements = new Map<string, sqlite3.Statement>();

  private constructor(private readonly file: sqlite3.Database) {}

  /**
   * Opens a file, made when there is none, so that what was committed outlives a power cut.
   * @throws BrokenFile when what lies there is no file.
   */
  static async open(path: string): Promise<Database> {
    await refuseOthers(path);
    // It may hold credentials: nobody else reads it. SQLite gives its companions the same mode.
    await (await open(path, 'a', 0o600)).close();
    const file = await opened(path);
    file.configure('busyTimeout', BUSY_MS);
    return new Database(file);
  }

  execute(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.file.exec(sql, settle(resolve, reject));
    });
  }

  async run(sql: string, ...values: readonly Value[]): Promise<void> {
    const statement = this.#statements.get(sql) ?? (await this.#prepared(sql));
    this.#statements.delete(sql);
    let isKept = false;
    try {
      await new Promise<void>((resolve, reject) => {
        statement.run(values, settle(resolve, reject));
      });
      isKept = !this.#statements.has(sql) && bytesOf(values) <= MAX_KEPT_BYTES;
    } finally {
      if (isKept) this.#statements.set(sql, statement);
      else statement.finalize();
    }
  }

  #prepared(sql: string): Promise<sqlite3.Statement> {
    return new Promise((resolve, reject) => {
      const statement: sqlite3.Statement = this.file.prepare(sql, (error: Error | null) => {
        if (error) reject(error);
        else resolve(statement);
      });
    });
  }

  rows(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.file.all<Row>(sql, values, (error, rows) => {
        if (error) reject(error);
        else resolve(rows);
      });
    });
  }

  /**
   * All of a change or nothing of it, after the changes that were asked for before. `committed` runs when it is on the disk, before
   * the next one begins.
   */
  write(change: () => Promise<void>, committed: () => void = () => undefined): Promise<void> {
    const written = this.#last.then(() => this.#transaction(change)).then(committed);
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Waits for the writes that are under way. */
  async close(): Promise<void> {
    await this.#last;
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    await closed(this.file);
  }

  async #transaction(change: () => Promise<void>): Promise<void> {
    await this.execute('BEGIN IMMEDIATE');
    try {
      await change();
      await this.execute('COMMIT');
    } catch (error) {
      // A full disk may have ended the transaction already.
      await this.execute('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

function bytesOf(values: readonly Value[]): number {
  let bytes = 0;
  for (const value of values) if (typeof value === 'string' || value instanceof Uint8Array) bytes += value.length;
  return bytes;
}

function opened(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const file: sqlite3.Database = new sqlite3.Database(path, (error) => {
      if (error) reject(error);
      else resolve(file);
    });
  });
}

function closed(file: sqlite3.Database): Promise<void> {
  return new Promise((resolve) => {
    file.close(() => {
      resolve();
    });
  });
}

function settle(resolve: () => void, reject: (error: Error) => void): (error: Error | null) => void {
  return (error) => {
    if (error) reject(error);
    else resolve();
  };
}
