import { constants } from 'node:fs';
import { access, chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomBytes } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';

/**
 * Writes a private file (mode 0600, folder 0700) as a whole: after a power cut it is the old one or the new one, never a mixture.
 */
export async function writePrivate(path: string, bytes: string | Buffer): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`;
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes renames and new names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * A random 32-byte key in a file, made at the first call.
 * @throws EdgeError `key_file_unreadable` when there is a file of another size.
 */
export async function readOrCreateKey(path: string): Promise<Buffer> {
  if (!(await exists(path))) await writePrivate(path, randomBytes(32));
  const key = await readFile(path);
  if (key.length === 32) return key;
  throw new EdgeError(
    'key_file_unreadable',
    `${path} has ${key.length} bytes instead of 32; restore it from your backup.`,
  );
}

async function writeSynced(path: string, bytes: string | Buffer): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
