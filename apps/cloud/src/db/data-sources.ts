import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import { Database } from './database.js';
import { cannotOpen } from './open-words.js';
import { SettingsMarks1700000000500, SettingsTime1700000000600 } from './settings.migration.js';

/** Classes that TypeORM works with: every slice brings its own. */
export interface Schema {
  readonly entities: readonly (new () => object)[];
  readonly migrations: readonly (new () => object)[];
}

/**
 * `url` of a PostgreSQL database, or none for a SQLite file in `folder`. The schema brings the table of settings; what was added to it
 * later, the database brings itself.
 * @throws EdgeError `database_unavailable` when the file cannot be made.
 */
export function openDatabase(
  where: { readonly folder: string; readonly url: string | undefined },
  schema: Schema,
): Database {
  const classes = {
    entities: mixed(schema.entities),
    migrations: mixed([...schema.migrations, SettingsMarks1700000000500, SettingsTime1700000000600]),
  };
  const common = { ...classes, synchronize: false, logging: false, migrationsTableName: 'migrations' } as const;
  if (where.url !== undefined) {
    const options = { type: 'postgres', url: where.url, poolSize: 10, connectTimeoutMS: 5000, ...common } as const;
    const extra = { statement_timeout: 30_000, keepAlive: true, keepAliveInitialDelayMillis: 10_000 };
    const source = new DataSource({ ...options, extra });
    return new Database(source, source);
  }
  const database = join(where.folder, 'hub.db');
  privateFile(where.folder, database);
  const file = { type: 'sqlite', database, busyTimeout: 5000, ...common } as const;
  const reading = { ...file, flags: sqlite3.OPEN_READONLY } satisfies DataSourceOptions;
  return new Database(new DataSource({ ...file, enableWAL: true }), new DataSource(reading));
}

function privateFile(folder: string, path: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw cannotOpen(cause, { file: path });
  }
}

function mixed(classes: readonly (new () => object)[]): MixedList<new () => object> {
  return [...classes];
}
