import { deriveKey, exists, readOrCreateKey } from '@selvage/pki';
import { EdgeError } from '@selvage/protocol';
import type { Database } from './database.js';

/** The key under which everything secret rests on the hub's disk. It hands out keys for single purposes, never itself. */
export class MasterKey {
  private constructor(private readonly key: Buffer) {}

  /** Reads the key file, making it at the first start. @throws EdgeError `key_file_unreadable`. */
  static async open(path: string): Promise<MasterKey> {
    return new MasterKey(await readOrCreateKey(path));
  }

  /**
   * The same for a database, which must be this key's: with another one, nothing that is sealed in it would open.
   * @throws EdgeError `key_file_unreadable`.
   */
  static async openFor(database: Pick<Database, 'mark' | 'setMark'>, path: string): Promise<MasterKey> {
    const known = await database.mark('keyCheck');
    if (known !== undefined && !(await exists(path))) throw notOurs(`${path} is missing`);
    const key = await MasterKey.open(path);
    const check = key.keyFor('check').toString('base64url');
    if (known === undefined) await database.setMark('keyCheck', check);
    else if (known !== check) throw notOurs(`${path} is another key`);
    return key;
  }

  /** 32 bytes for one purpose. */
  keyFor(purpose: string): Buffer {
    return deriveKey(this.key, purpose);
  }

  /** The same as a passphrase, for key files of a standard form. */
  passphraseFor(purpose: string): string {
    return this.keyFor(purpose).toString('base64url');
  }
}

function notOurs(what: string): EdgeError {
  const way = 'Restore the key from your backup, or start with an empty database.';
  return new EdgeError(
    'key_file_unreadable',
    `${what}, and the database was made with the key that belongs there. ${way}`,
  );
}
