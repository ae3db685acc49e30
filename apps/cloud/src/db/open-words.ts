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
  const said = cause instanceof Error ? cause.message : String(cause);
  if (url !== undefined) {
    const { hostname, port, pathname } = new URL(url);
    const name = `${pathname.slice(1)} at ${hostname}:${port || '5432'}`;
    const detail = `Database ${name} cannot be opened (${said}). Check that it runs, and SELVAGE_DATABASE_URL.`;
    return new EdgeError('database_unavailable', detail, { cause });
  }
  const isDamaged = /^SQLITE_(NOTADB|CORRUPT)$/.test(driverCode(cause));
  const way = isDamaged
    ? 'It is damaged: restore it from a backup (docs/operations.md).'
    : 'Check the disk and its rights.';
  return new EdgeError('database_unavailable', `${file} cannot be opened (${said}). ${way}`, { cause });
}
