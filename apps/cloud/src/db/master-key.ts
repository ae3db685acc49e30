import { deriveKey, exists, readOrCreateKey } from '@selvage/pki';
import type { Database } from './database.js';
import { notItsHub } from './open-words.js';

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
    if (known !== undefined && !(await exists(path)))
      throw notItsHub(`${path} is missing`, await database.mark('authority'));
    const key = await MasterKey.open(path);
    const check = key.keyFor('check').toString('base64url');
    if (known === undefined) await database.setMark('keyCheck', check);
    else if (known !== check) throw notItsHub(`${path} is another key`, await database.mark('authority'));
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
