import { EdgeError } from '@selvage/protocol';
import { driverCode } from './driver-code.js';

/** Where a database is, in words that hold no password. */
export interface Whereabouts {
  /** URL of a PostgreSQL database; absent: the file. */
  readonly url?: string | undefined;
  readonly file: string;
}

/** Why a database could not be opened, and what to do about it. */
export function cannotOpen(cause: unknown, { url, file }: Whereabouts): EdgeError {
  const said = wordsOf(cause);
  if (url !== undefined) {
    const { hostname, port, pathname } = new URL(url);
    const name = `${pathname.slice(1)} at ${hostname}:${port || '5432'}`;
    const detail = `Database ${name} cannot be opened (${said}). Check that it runs, and SELVAGE_DATABASE_URL.`;
    return new EdgeError('database_unavailable', detail, { cause });
  }
  if (isDamaged(cause)) return damaged(cause, file);
  const detail = `${file} cannot be opened (${said}). Check the disk and its rights.`;
  return new EdgeError('database_unavailable', detail, { cause });
}

/** Whether the driver says that a SQLite file is not what was written to it. */
export function isDamaged(error: unknown): boolean {
  return /^SQLITE_(NOTADB|CORRUPT)$/.test(driverCode(error));
}

/** What to do about it. */
export function damaged(cause: unknown, file: string): EdgeError {
  const detail = `${file}: ${wordsOf(cause)}. Stop the hub and restore the file from a backup (docs/operations.md).`;
  return new EdgeError('database_damaged', detail, { cause });
}

/** Why a hub refuses a database that was made by another one, or by itself before it lost its keys. `authority`: the one it names. */
export function notItsHub(what: string, authority: string | undefined): EdgeError {
  const owner = authority === undefined ? 'another hub' : `the hub with authority ${authority.slice(0, 12)}…`;
  const way = 'restore authority.json and master.key from the backup, or use an empty database';
  return new EdgeError('key_file_unreadable', `${what}, but this database belongs to ${owner}; ${way}.`);
}

/** A host with several addresses that all refuse gives an error without words of its own. */
function wordsOf(cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause);
  return said === '' ? driverCode(cause) : said;
}
