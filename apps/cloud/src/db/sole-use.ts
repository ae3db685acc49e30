import { EventEmitter } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { EdgeError } from '@selvage/protocol';
import type { DataSource, QueryRunner } from 'typeorm';

/** Names the lock among all advisory locks of a database: "selvage" in ASCII. */
const LOCK = '32480051652421477';
/** PostgreSQL looks after a hub that is silent, whose machine went down for instance, and lets go of its lock after 14 s. */
const KEEPALIVE = 'SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 3; SET tcp_keepalives_count = 3';
const PATIENCE_MS = 20_000;
const EVERY_MS = 250;

/** Holds a PostgreSQL database for one hub: two would hand out the same revisions and answer the same nodes. */
export class SoleUse {
  #runner: QueryRunner | undefined;
  #taking: Promise<void> | undefined;

  constructor(private readonly source: DataSource) {}

  /**
   * Takes the database, also again after the connection that held it was lost; does nothing while it is held.
   * @throws EdgeError `data_folder_in_use`; and what the driver throws.
   */
  async hold(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.#runner !== undefined) return;
    this.#taking ??= this.take(patienceMs).finally(() => {
      this.#taking = undefined;
    });
    await this.#taking;
  }

  /** The lock goes with its connection. */
  async release(): Promise<void> {
    const runner = this.#runner;
    this.#runner = undefined;
    await runner?.release();
  }

  private async take(patienceMs: number): Promise<void> {
    const runner = this.source.createQueryRunner();
    try {
      const client: unknown = await runner.connect();
      if (client instanceof EventEmitter)
        client.once('end', () => {
          if (this.#runner === runner) this.#runner = undefined;
        });
      await lock(runner, patienceMs);
      this.#runner = runner;
    } catch (error) {
      await runner.release();
      throw error;
    }
  }
}

async function lock(runner: QueryRunner, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  await runner.query(KEEPALIVE);
  while (!(await tryLock(runner))) {
    if (performance.now() > until)
      throw new EdgeError(
        'data_folder_in_use',
        'Another hub uses this database (SELVAGE_DATABASE_URL); stop it first.',
      );
    await later(EVERY_MS);
  }
}

async function tryLock(runner: QueryRunner): Promise<boolean> {
  const rows: unknown = await runner.query(`SELECT pg_try_advisory_lock(${LOCK}) AS held`);
  const [first] = Array.isArray(rows) ? (rows as { held?: unknown }[]) : [];
  return first?.held === true;
}
