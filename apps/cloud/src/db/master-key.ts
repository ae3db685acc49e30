import { deriveKey, readOrCreateKey } from '@selvage/pki';

/** The key under which everything secret rests on the hub's disk. It hands out keys for single purposes, never itself. */
export class MasterKey {
  private constructor(private readonly key: Buffer) {}

  /** Reads the key file, making it at the first start. @throws EdgeError `key_file_unreadable`. */
  static async open(path: string): Promise<MasterKey> {
    return new MasterKey(await readOrCreateKey(path));
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
