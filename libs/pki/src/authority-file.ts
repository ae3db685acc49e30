import { readFile } from 'node:fs/promises';
import { EdgeError } from '@selvage/protocol';
import { Authority, type AuthorityFiles } from './authority.js';
import { exists, writePrivate } from './files.js';

const PARTS = ['rootCertificate', 'rootKey', 'intermediateCertificate', 'intermediateKey'] as const;

/** `now` in epoch milliseconds; `name` goes into the certificates' subjects. */
export interface AuthorityFileOptions {
  readonly passphrase: string;
  readonly now: number;
  readonly name: string;
}

/**
 * Opens the authority of a file, making it first when there is none. It is one file, so that it is there as a whole or not at all.
 * @throws EdgeError `key_file_unreadable` when the file is damaged or the passphrase does not fit.
 */
export async function openAuthority(path: string, options: AuthorityFileOptions): Promise<Authority> {
  if (!(await exists(path))) await writePrivate(path, JSON.stringify(await Authority.create(options), undefined, 2));
  return Authority.load(parse(await readFile(path, 'utf8'), path), options.passphrase);
}

function parse(text: string, path: string): AuthorityFiles {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (isAuthority(value)) return value;
  throw unreadable(path);
}

function isAuthority(value: unknown): value is AuthorityFiles {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map(Object.entries(value));
  return PARTS.every((part) => typeof fields.get(part) === 'string');
}

function unreadable(path: string, cause?: unknown): EdgeError {
  return new EdgeError('key_file_unreadable', `${path} is damaged; restore it from your backup.`, { cause });
}
