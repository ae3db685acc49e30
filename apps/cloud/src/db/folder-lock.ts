import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError } from '@selvage/protocol';
import sqlite3 from 'sqlite3';
import { driverCode } from './driver-code.js';
import { cannotOpen } from './open-words.js';

/**
 * Holds a data folder for this process alone, by an exclusive lock on a SQLite file in it: the kernel lets go of it when the process
 * ends, however it ends.
 */
export class FolderLock {
  #file: sqlite3.Database | undefined;

  constructor(private readonly folder: string) {}

  /** @throws EdgeError `data_folder_in_use`, `database_unavailable` when the folder cannot be written. */
  async take(): Promise<void> {
    const path = join(this.folder, 'lock.db');
    const file = await this.open(path);
    try {
      await executed(file, 'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (cause) {
      await closed(file);
      if (driverCode(cause) !== 'SQLITE_BUSY') throw cannotOpen(cause, { file: path });
      throw new EdgeError(
        'data_folder_in_use',
        `${this.folder} belongs to a hub that is running; stop it or set SELVAGE_DATA.`,
        { cause },
      );
    }
    this.#file = file;
  }

  private async open(path: string): Promise<sqlite3.Database> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      return await opened(path);
    } catch (cause) {
      throw cannotOpen(cause, { file: path });
    }
  }

  async release(): Promise<void> {
    if (this.#file !== undefined) await closed(this.#file);
    this.#file = undefined;
  }
}

function opened(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const file: sqlite3.Database = new sqlite3.Database(path, (error) => {
      if (error) reject(error);
      else resolve(file);
    });
  });
}

function executed(file: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    file.exec(sql, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function closed(file: sqlite3.Database): Promise<void> {
  return new Promise((resolve) => {
    file.close(() => {
      resolve();
    });
  });
}
