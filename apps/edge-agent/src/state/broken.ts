import { rename, stat } from 'node:fs/promises';
import { EdgeError } from '@selvage/protocol';
import { exists } from '@selvage/pki';
import { z } from 'zod';

/** A database file and what SQLite keeps beside it. */
const PARTS = ['', '-wal', '-shm'] as const;
const FULL = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT']);
const DENIED = new Set([
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
  'SQLITE_PERM',
  'SQLITE_AUTH',
  'EACCES',
  'EPERM',
  'EROFS',
]);

/** What lies in place of a database is none of this agent's. */
export class BrokenFile extends Error {}

/** Whether a file is no database any more; nothing but a new one helps. */
export function isBroken(error: unknown): boolean {
  return error instanceof BrokenFile || ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].includes(codeOf(error));
}

/**
 * Opens a database and reads what is in it for the first time: other tables or values than this agent writes are a broken file.
 * @throws BrokenFile, or EdgeError `out_of_disk`, `config_invalid`, `database_unavailable` when the file is not to blame.
 */
export async function openedSound<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    if (isBroken(cause)) throw cause;
    if (cause instanceof z.ZodError || codeOf(cause) === 'SQLITE_ERROR')
      throw new BrokenFile(`${path} holds what this agent does not write.`, { cause });
    throw unusable(path, cause);
  }
}

/** @throws BrokenFile when a folder, or whatever else is no file, lies where a database belongs. */
export async function refuseOthers(path: string): Promise<void> {
  for (const part of PARTS) {
    const there = (await exists(path + part)) ? await stat(path + part) : undefined;
    if (there?.isFile() === false) throw new BrokenFile(`${path + part} is no file.`);
  }
}

/** Moves a broken file away, to `path.broken-time`, where a person can look at it. */
export async function moveAside(path: string, now: number): Promise<string> {
  const aside = `${path}.broken-${new Date(now).toISOString().replaceAll(':', '-')}`;
  for (const part of PARTS) if (await exists(path + part)) await rename(path + part, aside + part);
  return aside;
}

/** Why a file or folder cannot be used, for no fault of what is in it, and what to do. */
export function unusable(path: string, cause: unknown): EdgeError {
  const code = codeOf(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  if (FULL.has(code))
    return new EdgeError('out_of_disk', `Nothing can be written to ${path}: remove what is not needed.`, { cause });
  if (DENIED.has(code))
    return new EdgeError('config_invalid', `${path} cannot be used, see who owns it and who may write it: ${why}`, {
      cause,
    });
  return new EdgeError('database_unavailable', `${path} cannot be used: ${why}`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
