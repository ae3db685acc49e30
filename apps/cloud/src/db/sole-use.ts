import { setTimeout as later } from 'node:timers/promises';
import { EdgeError } from '@selvage/protocol';
import type { DataSource, QueryRunner } from 'typeorm';

/** Names the lock among all advisory locks of a database: "selvage" in ASCII. */
const LOCK = '32480051652421477';
/** PostgreSQL takes a moment to notice that a hub which was killed is gone. */
const PATIENCE_MS = 10_000;
const EVERY_MS = 250;

/** Holds a PostgreSQL database for one hub: two would hand out the same revisions and answer the same nodes. */
export class SoleUse {
  #runner: QueryRunner | undefined;

  constructor(private readonly source: DataSource) {}

  /** @throws EdgeError `data_folder_in_use`. */
  async take(): Promise<void> {
    const runner = this.source.createQueryRunner();
    this.#runner = runner;
    await runner.connect();
    const until = performance.now() + PATIENCE_MS;
    while (!(await tryLock(runner))) {
      if (performance.now() > until)
        throw new EdgeError(
          'data_folder_in_use',
          'Another hub uses this database (SELVAGE_DATABASE_URL); stop it first.',
        );
      await later(EVERY_MS);
    }
  }

  /** The lock goes with its connection. */
  async release(): Promise<void> {
    await this.#runner?.release();
    this.#runner = undefined;
  }
}

async function tryLock(runner: QueryRunner): Promise<boolean> {
  const rows: unknown = await runner.query(`SELECT pg_try_advisory_lock(${LOCK}) AS held`);
  const [first] = Array.isArray(rows) ? (rows as { held?: unknown }[]) : [];
  return first?.held === true;
}
