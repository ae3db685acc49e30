import type { Database } from './database.js';

/**
 * What makes a database of version n + 1 out of one of version n. Only additions: an older agent goes on working with the database
 * of a newer one, so that an upgrade can be taken back.
 */
const migrations = [
  `CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, revision INTEGER NOT NULL);
   CREATE TABLE sections (name TEXT PRIMARY KEY, hash TEXT NOT NULL, body BLOB NOT NULL, good BLOB);
   CREATE TABLE entries (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key));`,
];

/** What is read of the tables: fails when they are others. */
const READ = ['epoch, revision FROM position', 'name, hash, body, good FROM sections', 'kind, key, value FROM entries'];

/** Brings the tables up to date. */
export async function migrate(database: Database): Promise<void> {
  const [row] = await database.rows('PRAGMA user_version');
  for (const [version, sql] of migrations.entries()) {
    if (version < Number(row?.user_version)) continue;
    await database.write(() => database.execute(`${sql} PRAGMA user_version = ${version + 1}`));
  }
  for (const columns of READ) await database.rows(`SELECT ${columns} LIMIT 0`);
}
