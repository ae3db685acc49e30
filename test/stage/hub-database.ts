import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase } from '@selvage/testkit';

/**
 * What to add to the environment of a hub with this data folder, so that it works on PostgreSQL when the tests run on it. The folder
 * remembers its database: a hub that starts again there finds what it had.
 */
export async function databaseFor(data: string): Promise<Record<string, string>> {
  const server = process.env.SELVAGE_TEST_POSTGRES;
  if (server === undefined) return {};
  const note = join(data, 'database-url');
  if (!existsSync(note)) writeFileSync(note, await createDatabase(server), { mode: 0o600 });
  return { SELVAGE_DATABASE_URL: readFileSync(note, 'utf8') };
}
