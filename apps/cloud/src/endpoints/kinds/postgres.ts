import { Socket } from 'node:net';
import type { Outcome } from '@selvage/outbox';
import pg from 'pg';
import { asAway, asFailed, rejected, wordsOf } from './away.js';
import { trust } from './dial.js';
import { inTime } from './in-time.js';
import type { Given, Kind, Outgoing, Target } from './kind.js';
import { columnsOf, createTable, insert, rowOf } from './postgres-table.js';
import type { Reach } from './reach.js';

type Spec = Parameters<(typeof postgres)['open']>[0]['spec'];

const CONNECT_MS = 15_000;
const STATEMENT_MS = 30_000;
const CONNECTIONS = 4;
const DELIVERED: Outcome = { is: 'delivered' };

/** Rows of a table, a batch in one statement: a message has arrived when its row is committed, and is there once however often it came. */
export const postgres: Kind<'postgres'> = {
  kind: 'postgres',
  open: (given) => new PostgresTable(given),
  problem: (_spec, target) =>
    (target.topic ?? target.path) === undefined ? undefined : 'a table has neither topic nor path; both are columns',
};

class PostgresTable implements Target {
  private readonly who: string;
  private readonly pool: pg.Pool;
  private readonly sockets = new Set<Socket>();
  private isThere = false;

  constructor(private readonly given: Given<Spec>) {
    const { spec, credentials, reach } = given;
    this.who = `${spec.host}:${spec.port}/${spec.database}`;
    this.pool = new pg.Pool({
      host: spec.host,
      port: spec.port,
      database: spec.database,
      user: credentials.username ?? 'selvage',
      password: credentials.password ?? '',
      ssl: spec.tls ? { minVersion: 'TLSv1.2', ...trust(spec.ca) } : false,
      stream: () => this.tracked(socketWithin(reach, spec.host)),
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: STATEMENT_MS,
      statement_timeout: STATEMENT_MS,
      application_name: 'selvage',
    });
    // A connection that ends while nobody uses it: the next one that is needed is made anew.
    this.pool.on('error', () => {
      this.isThere = false;
    });
  }

  async deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      await this.prepared(signal);
      return await this.inserted(batch, signal);
    } catch (error) {
      this.isThere = false;
      throw asAway(error, this.who);
    }
  }

  async test(signal: AbortSignal): Promise<void> {
    const { table } = this.given.spec;
    const question = `SELECT to_regclass($1) IS NULL OR has_table_privilege(to_regclass($1), 'INSERT') AS allowed`;
    try {
      const { rows } = await this.ask<{ allowed: boolean }>({ text: question, values: [table] }, signal);
      if (rows[0]?.allowed !== true) throw new Error(`permission denied for table ${table}`);
    } catch (error) {
      throw asFailed(error, this.who);
    }
  }

  /** Whoever is still asked, or being connected to, is left. */
  async close(): Promise<void> {
    const ended = this.pool.end();
    for (const socket of this.sockets) socket.destroy();
    await ended;
  }

  private tracked(socket: Socket): Socket {
    this.sockets.add(socket);
    return socket.once('close', () => this.sockets.delete(socket));
  }

  /** Makes the table when there is none: once per connection to a server, not once per batch. */
  private async prepared(signal: AbortSignal): Promise<void> {
    if (this.isThere) return;
    const { table } = this.given.spec;
    const { rows } = await this.ask<{ name: string | null }>(
      { text: 'SELECT to_regclass($1)::text AS name', values: [table] },
      signal,
    );
    if (rows[0]?.name === null) await this.ask({ text: createTable(table) }, signal);
    this.isThere = true;
  }

  /** All in one statement; one by one when there is one among them that the table does not take. */
  private async inserted(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { table } = this.given.spec;
    try {
      await this.ask({ text: insert(table), values: columnsOf(batch.map(rowOf)) }, signal);
      return batch.map(() => DELIVERED);
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
      if (batch.length > 1) return this.oneByOne(batch, signal);
      return [await this.alone(batch, error, signal)];
    }
  }

  private async oneByOne(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const one of batch) {
      try {
        outcomes.push(...(await this.inserted([one], signal)));
      } catch (error) {
        if (outcomes.length === 0) throw error;
        return [...outcomes, ...batch.slice(outcomes.length).map((): Outcome => ({ is: 'waits' }))];
      }
    }
    return outcomes;
  }

  /** JSON has more than PostgreSQL's `jsonb` takes, such as `\u0000`: then the bytes alone are kept. */
  private async alone(batch: readonly Outgoing[], why: unknown, signal: AbortSignal): Promise<Outcome> {
    const rows = batch.map((one) => ({ ...rowOf(one), json: null }));
    try {
      await this.ask({ text: insert(this.given.spec.table), values: columnsOf(rows) }, signal);
      return DELIVERED;
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
      return rejected(`${this.who}: ${wordsOf(why)}`);
    }
  }

  private ask<R extends pg.QueryResultRow>(query: pg.QueryConfig, signal: AbortSignal): Promise<pg.QueryResult<R>> {
    const { clock } = this.given;
    return inTime(this.pool.query<R>(query), { clock, ms: CONNECT_MS + STATEMENT_MS, signal, who: this.who });
  }
}

/** A socket that connects only to where endpoints may be. */
function socketWithin(reach: Reach, written: string): Socket {
  reach.checkHost(written);
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  return Object.assign(socket, {
    connect: (port: number, host: string) => connect({ port, host, lookup: reach.lookup }),
  });
}

/** SQLSTATE classes that are about the values: data, constraints, limits. All others are about the table or the server. */
function isOfOneRow(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|23|54)/.test(error.code ?? '');
}
