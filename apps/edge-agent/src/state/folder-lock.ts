import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import { isBroken } from './broken.js';
import { Database } from './database.js';

const FILE = 'lock.db';

/**
 * Holds a data folder for this process alone, by an exclusive lock on a SQLite file in it: the kernel lets go of it when the process
 * ends, however it ends.
 */
export class FolderLock {
  #file: Database | undefined;

  constructor(private readonly folder: string) {}

  /**
   * Makes the folder when there is none.
   * @throws EdgeError `data_folder_in_use`, `config_invalid` when the folder cannot be made or written.
   */
  async take(): Promise<void> {
    const file = await this.#open();
    try {
      await file.execute('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (cause) {
      await file.close();
      throw isBusy(cause) ? inUse(this.folder, cause) : unusable(this.folder, cause);
    }
    this.#file = file;
  }

  async release(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #open(): Promise<Database> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      const file = await Database.open(join(this.folder, FILE));
      await file.execute('PRAGMA busy_timeout = 0');
      return file;
    } catch (cause) {
      throw unusable(this.folder, cause);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'SQLITE_BUSY' || error.code === 'SQLITE_LOCKED');
}

function inUse(folder: string, cause: unknown): EdgeError {
  return new EdgeError(
    'data_folder_in_use',
    `${folder} belongs to an agent that is running; stop it or give another data folder with --data.`,
    { cause },
  );
}

function unusable(folder: string, cause: unknown): EdgeError {
  if (isBroken(cause))
    return new EdgeError('config_invalid', `${join(folder, FILE)} is damaged: remove it and try again.`, { cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError('config_invalid', `The data folder ${folder} cannot be used: ${why}`, { cause });
}
