import { type Postgres, startPostgres } from '@selvage/testkit';
import { afterAll, beforeAll } from 'vitest';

/** What tests with a database run on, each as often as there are names here. */
export const DIALECTS = ['SQLite', 'PostgreSQL'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Where the tests of a `describe` block get their databases. */
export interface TestDatabases {
  /** An empty database: its URL on PostgreSQL, undefined on SQLite, where a folder is all that it takes. */
  fresh(): Promise<string | undefined>;
}

/** Starts a server for the block that calls it, when the dialect needs one, and stops it after the block's last test. */
export function testDatabases(dialect: Dialect): TestDatabases {
  if (dialect === 'SQLite') return { fresh: () => Promise.resolve(undefined) };
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(() => server?.stop());
  return {
    fresh: () => {
      if (server === undefined) throw new Error('ask for databases in beforeAll or in a test');
      return server.createDatabase();
    },
  };
}
