import { randomUUID } from 'node:crypto';
import type { Bounds, Change, DeadLetter, Drop, Head, Limits, OutboxStore, Queued } from '@selvage/outbox';
import type { EntityManager } from 'typeorm';
import type { Database } from '../db/index.js';
import { amongOf, insertionOf } from './outbox-rows.js';

const HEAD = 'seq, lane, at, born, size';
const WHOLE = `${HEAD}, expires, key, body`;
/** Lanes of one statement. */
const LANES = 500;
/** Messages that one statement writes. */
const MESSAGES = 1000;
/** The first messages of a lane after a sequence that have room together; the first one always. */
const READ = `SELECT ${WHOLE} FROM route_messages WHERE seq IN (
    SELECT seq FROM (SELECT seq, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS total, row_number() OVER (ORDER BY seq) AS n
      FROM (SELECT seq, size FROM route_messages WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS first) AS counted
    WHERE total <= $4 OR n = 1)
  ORDER BY seq`;
/** What each lane holds, from the index alone: with large messages the table would take minutes to read. */
export const LANE_COUNTS = 'SELECT lane, count(*) AS count, sum(size) AS bytes FROM route_messages GROUP BY lane';
/** One look into the index for each lane, however many messages it has. */
const OLDEST =
  'SELECT lane, (SELECT at FROM route_messages WHERE route_messages.lane = own.lane ORDER BY seq LIMIT 1) AS at FROM own';

type Row = Readonly<Record<string, unknown>>;

/** The outbox of the hub, in its database. Messages may also be written by a transaction of somebody else: `insert`. */
export class HubOutboxStore implements OutboxStore {
  /** The highest sequence that was written. */
  private lastSeq = 0;

  constructor(private readonly db: Database) {}

  async open(): Promise<Bounds> {
    const first = [randomUUID(), 0, 0, 0];
    await this.db.write((tx) =>
      tx.query(
        'INSERT INTO route_outbox (one, epoch, seq, born, wall) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING',
        first,
      ),
    );
    const [meta = {}] = await this.rows('SELECT epoch, seq, born, wall FROM route_outbox');
    const lanes = await this.rows(LANE_COUNTS);
    const dead = await this.rows(`SELECT ${HEAD} FROM route_dead ORDER BY seq`);
    const drops = await this.rows('SELECT lane, reason, count, bytes, first, last FROM route_drops');
    const [newest = {}] = await this.rows(
      'SELECT max(seq) AS seq FROM (SELECT max(seq) AS seq FROM route_messages UNION ALL SELECT max(seq) FROM route_dead) AS newest',
    );
    const [youngest = {}] = await this.rows('SELECT born FROM route_messages ORDER BY seq DESC LIMIT 1');
    this.lastSeq = Math.max(number(meta.seq), number(newest.seq));
    const born = Math.max(number(meta.born), number(youngest.born));
    const wall = number(meta.wall);
    return {
      epoch: String(meta.epoch),
      lastSeq: this.lastSeq,
      lanes: lanes.map((row) => ({ lane: String(row.lane), count: number(row.count), bytes: number(row.bytes) })),
      dead: dead.map(toHead),
      drops: drops.map(toDrop),
      born,
      // Both clocks went alike since the moment was written, which is not long.
      wall: wall === 0 ? 0 : wall + born - number(meta.born),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async commit({ append, remove, bury, unbury, drops, born, wall }: Change): Promise<void> {
    await this.db.write(async (tx) => {
      await this.insert(tx, append);
      for (const { seq, code, detail } of bury) await tx.query(BURY, [code, detail.slice(0, 1024), seq]);
      const gone = [...remove, ...bury].map(({ seq }) => seq);
      await this.remove(tx, 'route_messages', gone);
      await this.remove(tx, 'route_dead', unbury);
      for (const { lane, reason, count, bytes, first, last } of drops)
        await tx.query(SET_DROP, [lane, reason, count, bytes, first, last]);
      await tx.query('UPDATE route_outbox SET seq = $1, born = $2, wall = $3', [this.lastSeq, born, wall]);
    });
  }

  /** Writes messages that the outbox has prepared, in a transaction of somebody else. */
  async insert(tx: EntityManager, messages: readonly Queued[]): Promise<void> {
    for (let at = 0; at < messages.length; at += MESSAGES) {
      const { sql, values } = insertionOf(messages.slice(at, at + MESSAGES), this.db.dialect);
      await tx.query(sql, [...values]);
    }
    this.lastSeq = Math.max(this.lastSeq, messages.at(-1)?.seq ?? 0);
  }

  async read(lane: string, after: number, { messages, bytes }: Limits): Promise<Queued[]> {
    return (await this.rows(READ, [lane, after, messages, bytes])).map(toQueued);
  }

  async heads(lane: string, after: number, messages: number): Promise<Head[]> {
    const sql = `SELECT ${HEAD} FROM route_messages WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT $3`;
    return (await this.rows(sql, [lane, after, messages])).map(toHead);
  }

  async expired(moment: number, messages: number): Promise<Head[]> {
    const sql = `SELECT ${HEAD} FROM route_messages WHERE expires <= $1 ORDER BY expires LIMIT $2`;
    return (await this.rows(sql, [moment, messages])).map(toHead);
  }

  async dead(after: number, messages: number): Promise<DeadLetter[]> {
    const sql = `SELECT ${WHOLE}, code, detail FROM route_dead WHERE seq > $1 ORDER BY seq LIMIT $2`;
    return (await this.rows(sql, [after, messages])).map(toDeadLetter);
  }

  /** Some dead letters, oldest first. */
  async deadOf(seqs: readonly number[]): Promise<DeadLetter[]> {
    if (seqs.length === 0) return [];
    const sql = `SELECT ${WHOLE}, code, detail FROM route_dead WHERE seq IN ${tuple(0, seqs.length)} ORDER BY seq`;
    return (await this.rows(sql, seqs)).map(toDeadLetter);
  }

  /** When the oldest message of each lane came into being; a lane that is empty has none. */
  async oldest(lanes: readonly string[]): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (let at = 0; at < lanes.length; at += LANES) {
      const some = lanes.slice(at, at + LANES);
      const values = some.map((_lane, index) => tuple(index, 1)).join(', ');
      for (const { lane, at: made } of await this.rows(`WITH own (lane) AS (VALUES ${values}) ${OLDEST}`, some))
        if (made !== null) found.set(String(lane), number(made));
    }
    return found;
  }

  /** Drops of these lanes are of no use any more. */
  async forgetDrops(tx: EntityManager, lanes: readonly string[]): Promise<void> {
    for (let at = 0; at < lanes.length; at += LANES) {
      const some = lanes.slice(at, at + LANES);
      await tx.query(`DELETE FROM route_drops WHERE lane IN ${tuple(0, some.length)}`, some);
    }
  }

  private async remove(
    tx: EntityManager,
    table: 'route_messages' | 'route_dead',
    seqs: readonly number[],
  ): Promise<void> {
    if (seqs.length === 0) return;
    const { sql, values } = amongOf(seqs, this.db.dialect);
    await tx.query(`DELETE FROM ${table} WHERE seq ${sql}`, [...values]);
  }

  private rows(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.db.read.query(sql, [...values]);
  }
}

/** Parameters in the order of their numbers: SQLite counts them as they come. */
const BURY = `INSERT INTO route_dead (seq, lane, at, born, expires, key, size, body, code, detail)
  SELECT seq, lane, at, born, expires, key, size, body, $1, $2 FROM route_messages WHERE seq = $3`;
const SET_DROP = `INSERT INTO route_drops (lane, reason, count, bytes, first, last) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (lane, reason) DO UPDATE SET count = excluded.count, bytes = excluded.bytes, first = excluded.first, last = excluded.last`;

/** `($3, $4)` for two values after the second. */
function tuple(after: number, count: number): string {
  return `(${Array.from({ length: count }, (_, index) => `$${after + index + 1}`).join(', ')})`;
}

function toHead(row: Row): Head {
  const { seq, lane, at, born, size } = row;
  return { seq: number(seq), lane: String(lane), at: number(at), born: number(born), size: number(size) };
}

function toQueued(row: Row): Queued {
  const { expires, key, body } = row;
  return {
    ...toHead(row),
    ...(typeof key === 'string' && { key }),
    ...(expires !== null && { expires: number(expires) }),
    body: body instanceof Uint8Array ? body : new Uint8Array(),
  };
}

function toDeadLetter(row: Row): DeadLetter {
  return { ...toQueued(row), code: String(row.code), detail: String(row.detail) };
}

function toDrop({ lane, reason, count, bytes, first, last }: Row): Drop {
  const drop = {
    lane: String(lane),
    count: number(count),
    bytes: number(bytes),
    first: number(first),
    last: number(last),
  };
  return { ...drop, reason: String(reason) as Drop['reason'] };
}

/** PostgreSQL's driver gives large numbers as texts. */
function number(value: unknown): number {
  return Number(value ?? 0);
}
