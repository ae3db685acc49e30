import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EdgeError } from '@selvage/protocol';

/** What `selvage login` wrote down: the hub, the token for it and the project that commands are about. */
export interface Context {
  readonly url?: string;
  readonly token?: string;
  readonly project?: string;
}

const KEYS = ['url', 'token', 'project'] as const;

/**
 * Reads the file; one that is not there says nothing.
 * @throws EdgeError `config_invalid` when it cannot be read.
 */
export async function readContext(file: string): Promise<Context> {
  const text = await readOrNothing(file);
  if (text === undefined) return {};
  const value = parse(text);
  if (typeof value !== 'object' || value === null) throw unreadable(file);
  const all = new Map<string, unknown>(Object.entries(value));
  const known = KEYS.map((key) => [key, all.get(key)] as const).filter(([, given]) => given !== undefined);
  if (known.some(([, given]) => typeof given !== 'string')) throw unreadable(file);
  return Object.fromEntries(known);
}

/** Writes the file, readable by its owner only; whoever reads it meanwhile sees the old or the new one, whole. */
export async function writeContext(file: string, context: Context): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  try {
    await writeFile(fresh, `${JSON.stringify(context, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new EdgeError('config_invalid', `${file} cannot be read: ${why}`, { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unreadable(file: string): EdgeError {
  return new EdgeError('config_invalid', `${file} is not what "selvage login" writes; remove it and log in again.`);
}
