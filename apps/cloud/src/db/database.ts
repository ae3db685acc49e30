import type { DataSource, EntityManager } from 'typeorm';
import { EdgeError } from '@selvage/protocol';
import { driverCode } from './driver-code.js';
import { cannotOpen, damaged, isDamaged } from './open-words.js';
import { Settings } from './settings.entity.js';
import { SoleUse } from './sole-use.js';
import { SqliteWriter } from './sqlite-writer.js';

const MAX_WAITING_WRITES = 10_000;
const RETRIES = 5;
/** PostgreSQL: serialization failure, deadlock. */
const RETRY_CODES = new Set(['40001', '40P01']);
/** What PostgreSQL's driver says without any code when a connection ended, or none came in time; and TypeORM, in the middle of a write. */
const CONNECTION_LOST =
  /^(Connection terminated|Query runner already released|timeout exceeded when trying to connect|Client (has|was) .* not queryable)/;

/** Throws `not_found` for a project that is not there; asked in the transaction that makes something in it. */
export type ProjectCheck = (tx: EntityManager, project: string) => Promise<void>;

/** Something that is to be written together with a change: `add` before its commit, `done` after it. */
export interface Companion {
  add(tx: EntityManager): Promise<void>;
  done(): void;
}

/**
 * The database, behind two verbs. `read` never sees what is not committed. `write` runs one transaction: on SQLite one after the
 * other on a connection of its own (TypeORM has but one per data source, and would mix transactions), on PostgreSQL side by side,
 * retried when two of them clashed.
 */
export class Database {
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #epoch = '';
  #probe: Promise<void> | undefined;
  #projectCheck: ProjectCheck = () => Promise.resolve();
  #companion: () => Companion | undefined = () => undefined;
  private readonly soleUse: SoleUse;
  private readonly sqlite: SqliteWriter;

  constructor(
    private readonly writer: DataSource,
    private readonly reader: DataSource,
  ) {
    this.soleUse = new SoleUse(writer);
    this.sqlite = new SqliteWriter(writer);
  }

  get dialect(): 'sqlite' | 'postgres' {
    return this.writer.options.type === 'postgres' ? 'postgres' : 'sqlite';
  }

  /** For queries. Never write through it. */
  get read(): EntityManager {
    return this.reader.manager;
  }

  /** Names this database: made anew with it, so that a node notices when it meets another one. */
  get epoch(): string {
    return this.#epoch;
  }

  /**
   * Opens the connections and brings the tables up to date. `newEpoch` is kept when the database is new.
   * @throws EdgeError `database_unavailable`, `database_damaged`, `data_folder_in_use` when another hub uses it.
   */
  async start(newEpoch: string): Promise<void> {
    try {
      await this.open(newEpoch);
    } catch (error) {
      throw error instanceof EdgeError ? error : cannotOpen(error, whereabouts(this.writer));
    }
  }

  private async open(newEpoch: string): Promise<void> {
    if (this.dialect === 'sqlite') await this.sqlite.open();
    else {
      await this.writer.initialize();
      await this.soleUse.hold();
    }
    await this.writer.runMigrations({ transaction: 'each' });
    if (this.reader !== this.writer) await this.reader.initialize();
    await this.writer
      .createQueryBuilder()
      .insert()
      .into(Settings)
      .values({ id: 1, epoch: newEpoch, revision: 0 })
      .orIgnore()
      .execute();
    this.#epoch = (await this.settings()).epoch;
  }

  /** What the database says of whose it is; undefined while it says nothing. */
  async mark(which: 'authority' | 'keyCheck'): Promise<string | undefined> {
    return (await this.settings())[which] ?? undefined;
  }

  /** Notes whose it is, once. */
  async setMark(which: 'authority' | 'keyCheck', value: string): Promise<void> {
    await this.write((tx) => tx.update(Settings, { id: 1 }, { [which]: value }));
  }

  async stop(): Promise<void> {
    await this.#last;
    await this.soleUse.release();
    for (const source of new Set([this.reader, this.writer])) if (source.isInitialized) await source.destroy();
  }

  /** Whether the database answers. */
  async ping(): Promise<void> {
    await this.guarded(() => this.reader.query('SELECT 1'));
  }

  /**
   * Whether it takes changes, by making one: a full disk, or one that cannot be written any more, still answers queries. Many who ask
   * at once share one change.
   */
  ready(): Promise<void> {
    this.#probe ??= this.probe().finally(() => (this.#probe = undefined));
    return this.#probe;
  }

  private async probe(): Promise<void> {
    await this.ping();
    await this.write((tx) => tx.increment(Settings, { id: 1 }, 'probes', 1));
  }

  /**
   * Runs a transaction: all of it happens or nothing.
   * @throws EdgeError `overloaded` when too many wait, `database_unavailable` when the database does not answer, `data_folder_in_use`
   * when another hub took it while it did not.
   */
  async write<T>(run: (tx: EntityManager) => Promise<T>): Promise<T> {
    const companion = this.#companion();
    if (companion === undefined) return this.transact(run);
    const result = await this.transact(async (tx) => {
      const done = await run(tx);
      await companion.add(tx);
      return done;
    });
    companion.done();
    return result;
  }

  /** Where the slice of the audit log says what goes with the change that is under way where a write is asked for. */
  accompany(companion: () => Companion | undefined): void {
    this.#companion = companion;
  }

  private transact<T>(run: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (this.dialect === 'postgres') return this.guarded(() => this.retried(run));
    if (this.#waiting >= MAX_WAITING_WRITES) {
      return Promise.reject(new EdgeError('overloaded', 'Too many changes are waiting for the database.'));
    }
    this.#waiting += 1;
    const turn = this.#last.then(() => this.guarded(() => this.sqlite.transaction(run)));
    this.#last = turn.then(
      () => (this.#waiting -= 1),
      () => (this.#waiting -= 1),
    );
    return turn;
  }

  /** Where the slice of projects says which there are. */
  checkProjects(check: ProjectCheck): void {
    this.#projectCheck = check;
  }

  /** Call it after `keepOthersOut` or `nextRevision`, which keep the project there until the commit. @throws EdgeError `not_found`. */
  projectExists(tx: EntityManager, project: string): Promise<void> {
    return this.#projectCheck(tx, project);
  }

  /** Every other change waits from here to the commit: what is read from here on stays true. */
  async keepOthersOut(tx: EntityManager): Promise<void> {
    // SQLite runs one transaction at a time.
    if (this.dialect === 'postgres') await tx.query('SELECT 1 FROM settings WHERE id = 1 FOR UPDATE');
  }

  /** The next revision: higher than any before, in this transaction. Every other change waits from here to the commit. */
  async nextRevision(tx: EntityManager): Promise<number> {
    await tx.increment(Settings, { id: 1 }, 'revision', 1);
    return (await tx.findOneByOrFail(Settings, { id: 1 })).revision;
  }

  /** The newest revision. */
  async revision(): Promise<number> {
    return (await this.settings()).revision;
  }

  private settings(): Promise<Settings> {
    return this.guarded(() => this.reader.manager.findOneByOrFail(Settings, { id: 1 }));
  }

  private async retried<T>(run: (tx: EntityManager) => Promise<T>): Promise<T> {
    await this.soleUse.hold();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.writer.transaction(run);
      } catch (error) {
        if (attempt === RETRIES || !RETRY_CODES.has(driverCode(error))) throw error;
      }
    }
  }

  private async guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw databaseLost(error) ?? error;
    }
  }
}

/** `database_unavailable` or `database_damaged` for what a driver throws when its database is; nothing for any other error. */
export function databaseLost(cause: unknown): EdgeError | undefined {
  if (isDamaged(cause)) return damaged(cause, 'hub.db');
  if (!unavailable(cause)) return undefined;
  return new EdgeError('database_unavailable', 'Try again in a moment; look at the log of the database.', { cause });
}

function unavailable(error: unknown): boolean {
  if (error instanceof Error && CONNECTION_LOST.test(error.message)) return true;
  return /^(08|57P|53)|^(57014|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT|SQLITE_(BUSY|FULL|IOERR|CANTOPEN))$/.test(
    driverCode(error),
  );
}

function whereabouts({ options }: DataSource): { url?: string; file: string } {
  return options.type === 'postgres' ? { url: options.url ?? '', file: '' } : { file: String(options.database) };
}
