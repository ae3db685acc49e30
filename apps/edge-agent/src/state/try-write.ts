import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unusable } from './broken.js';

/** More than a file system keeps without a block of its own. */
const BYTES = 4_096;

/**
 * Puts a little onto the disk of a data folder and takes it away again: what can be opened and has room may still not be written.
 * @throws EdgeError `out_of_disk`, `config_invalid`, `database_unavailable`.
 */
export async function tryWrite(folder: string): Promise<void> {
  const path = join(folder, 'probe');
  try {
    await written(path);
    await rm(path, { force: true });
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

async function written(path: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.write(Buffer.alloc(BYTES, 1));
    await file.datasync();
  } finally {
    await file.close();
  }
}
