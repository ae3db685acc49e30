import { randomUUID } from 'node:crypto';
import type { Bounds, Change, DeadLetter, Head, LaneCount, Limits, OutboxStore, Queued } from '@selvage/outbox';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { isBroken, moveAside, openedSound } from './broken.js';
import type { Database } from './database.js';
import { openOutboxFile, shrink } from './outbox-file.js';
import { OutboxLanes } from './outbox-lanes.js';
import * as rows from './outbox-rows.js';
import * as sql from './outbox-schema.js';

/** So old may the written moment be when something is appended, milliseconds. */
const MAX_MOMENT_AGE = 60_000;
/** Messages that may be on the disk and not in the written counts: so many are counted at the next start. */
const MAX_UNCOUNTED = 20_000;

export interface OutboxStoreOptions {
  /** The database file, which is the outbox's alone. */
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'error'>;
}

interface Opened {
  readonly database: Database;
  readonly epoch: string;
  readonly lanes: OutboxLanes;
}

/**
 * An outbox in a SQLite file. A broken file is moved aside, and what it held is counted as dropped as far as that is known; the new
 * one has a new epoch.
 */
export class SqliteOutboxStore implements OutboxStore {
  readonly #options: OutboxStoreOptions;
  #opened: Opened | undefined;
  #uncounted = 0;
  #lastSeq = 0;
  /** Moment of the timeline that was written last. */
  #moment = 0;
  #broken = false;
  /** What the file held when it was last looked at: what is lost when it breaks. */
  #known: readonly LaneCount[] = [];
  /** The last change, so that reading and closing wait for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: OutboxStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<Bounds> {
    await this.close();
    if (!this.#broken) {
      try {
        return await this.#open();
      } catch (error) {
        if (!isBroken(error)) throw error;
        this.#options.log.error({ err: error }, 'the outbox cannot be read');
      }
    }
    return await this.#replace(this.#known);
  }

  async close(): Promise<void> {
    await this.#last;
    this.#known = this.#opened?.lanes.counts ?? this.#known;
    await this.#opened?.database.close();
    this.#opened = undefined;
  }

  commit(change: Change): Promise<void> {
    const done = this.#last.then(() => this.#guarded((opened) => this.#commit(opened, change)));
    this.#last = done.catch(() => undefined);
    return done;
  }

  read(lane: string, after: number, { messages, bytes }: Limits): Promise<Queued[]> {
    return this.#guarded(async ({ database, lanes }) => {
      if (!lanes.has(lane)) return [];
      const found = await database.rows(sql.READ, lanes.idOf(lane), after, messages, bytes);
      return found.map((row) => rows.toQueued(row, lanes));
    });
  }

  heads(lane: string, after: number, messages: number): Promise<Head[]> {
    return this.#guarded(async ({ database, lanes }) => {
      if (!lanes.has(lane)) return [];
      const found = await database.rows(sql.HEADS, lanes.idOf(lane), after, messages);
      return found.map((row) => rows.toHead(row, lanes));
    });
  }

  expired(moment: number, messages: number): Promise<Head[]> {
    return this.#guarded(async ({ database, lanes }) => {
      const found = await database.rows(sql.EXPIRED, moment, messages);
      return found.map((row) => rows.toHead(row, lanes));
    });
  }

  dead(after: number, messages: number): Promise<DeadLetter[]> {
    return this.#guarded(async ({ database, lanes }) => {
      const found = await database.rows(sql.DEAD, after, messages);
      return found.map((row) => rows.toDeadLetter(row, lanes));
    });
  }

  #open(): Promise<Bounds> {
    return openedSound(this.#options.path, async () => {
      const database = await openOutboxFile(this.#options.path);
      try {
        return await this.#load(database);
      } catch (error) {
        this.#opened = undefined;
        await database.close();
        throw error;
      }
    });
  }

  async #load(database: Database): Promise<Bounds> {
    await database.run(sql.FIRST_META, randomUUID());
    const meta = rows.metaRow.parse((await database.rows(sql.META))[0]);
    const counted = rows.laneRow.array().parse(await database.rows(sql.LANES));
    this.#known = counted.map(({ name: lane, count, bytes }) => ({ lane, count, bytes }));
    const tail = rows.tailRow.array().parse(await database.rows(sql.TAIL, meta.counted));
    const lanes = new OutboxLanes(counted, tail);
    this.#known = lanes.counts;
    this.#uncounted = tail.reduce((sum, { count }) => sum + count, 0);
    const dead = (await database.rows(sql.DEAD_HEADS)).map((row) => rows.toHead(row, lanes));
    const drops = (await database.rows(sql.DROPS)).flatMap(rows.toDrop);
    const last = rows.lastRow.parse((await database.rows(sql.LAST))[0]);
    this.#lastSeq = Math.max(meta.counted, last.seq ?? 0);
    const [newest] = rows.newestRow.array().parse(await database.rows(sql.NEWEST));
    this.#moment = meta.born;
    const born = Math.max(meta.born, newest?.born ?? 0);
    // Both clocks went alike since the moment was written, which is not long.
    const wall = meta.wall === 0 ? 0 : meta.wall + born - meta.born;
    this.#opened = { database, epoch: meta.epoch, lanes };
    return { epoch: meta.epoch, lastSeq: this.#lastSeq, lanes: lanes.counts, dead, drops, born, wall };
  }

  /** A new file in place of a broken one, with what was lost among its drops. */
  async #replace(lost: readonly LaneCount[]): Promise<Bounds> {
    const { path, clock, log } = this.#options;
    const now = clock.now();
    const messages = lost.reduce((sum, { count }) => sum + count, 0);
    const aside = await moveAside(path, now);
    log.error({ aside, messages }, 'the outbox was broken: moved aside, a new one made');
    this.#broken = false;
    const bounds = await this.#open();
    const known = lost.filter(({ count }) => count > 0);
    // How many a file held that could not even be opened is not known: that it was lost is counted as one.
    const lanes = known.length > 0 ? known : [{ lane: '*', count: 1, bytes: 0 }];
    const drops = lanes.map((lane) => ({ ...lane, reason: 'broken-file' as const, first: now, last: now }));
    await this.#opened?.database.run(sql.SET_DROPS, rows.toDrops(drops));
    return { ...bounds, drops };
  }

  async #commit({ database, lanes }: Opened, change: Change): Promise<void> {
    const { append, remove, bury, born } = change;
    this.#lastSeq = append.at(-1)?.seq ?? this.#lastSeq;
    lanes.apply(change);
    if (this.#isPlain(change)) {
      // A single statement is a transaction of its own, and saves hops to the thread that writes.
      await database.run(sql.APPEND, ...rows.toBatch(append, lanes));
      this.#uncounted += append.length;
      return;
    }
    await database.write(() => this.#all({ database, lanes }, change));
    this.#uncounted = 0;
    this.#moment = born;
    if (remove.length + bury.length > 0 && lanes.counts.every(({ count }) => count === 0)) await this.#shrink(database);
  }

  /** Whether a change is nothing but new messages, few enough to be counted at the next start. */
  #isPlain({ append, remove, bury, unbury, drops, born }: Change): boolean {
    if (remove.length + bury.length + unbury.length + drops.length > 0) return false;
    if (born - this.#moment > MAX_MOMENT_AGE || this.#opened?.lanes.grew === true) return false;
    return append.length > 0 && this.#uncounted + append.length <= MAX_UNCOUNTED;
  }

  async #shrink(database: Database): Promise<void> {
    try {
      await shrink(database);
    } catch (error) {
      this.#options.log.error({ err: error }, 'the outbox could not give back its space');
    }
  }

  async #guarded<T>(run: (opened: Opened) => Promise<T>): Promise<T> {
    if (this.#opened === undefined) throw new Error('the outbox is not open');
    try {
      return await run(this.#opened);
    } catch (error) {
      this.#broken ||= isBroken(error);
      throw error;
    }
  }

  async #all({ database, lanes }: Pick<Opened, 'database' | 'lanes'>, change: Change): Promise<void> {
    const { append, remove, bury, unbury, drops, born, wall } = change;
    if (append.length > 0) await database.run(sql.APPEND, ...rows.toBatch(append, lanes));
    if (bury.length > 0) await database.run(sql.BURY, rows.toBurials(bury));
    if (remove.length + bury.length > 0) await database.run(sql.REMOVE, rows.seqsOf([...remove, ...bury]));
    if (unbury.length > 0) await database.run(sql.UNBURY, JSON.stringify(unbury));
    if (drops.length > 0) await database.run(sql.SET_DROPS, rows.toDrops(drops));
    await database.run(sql.SET_LANES, lanes.rows);
    await database.run(sql.SET_META, this.#lastSeq, born, wall);
    lanes.written();
  }
}
