import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Seals bytes for the disk with AES-256-GCM and a key of 32 bytes. `place` names where they belong (a row, a file): a box that was
 * moved elsewhere does not open. Box: version, nonce, tag, ciphertext.
 */
export function seal(key: Buffer, plain: Uint8Array, place: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place, 'utf8'));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
}

/**
 * Opens what `seal` made.
 * @throws EdgeError `key_file_unreadable` when key, place or box are not the right ones.
 */
export function unseal(key: Buffer, box: Uint8Array, place: string): Buffer {
  const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength);
  try {
    if (bytes.length < HEAD_BYTES || bytes[0] !== VERSION) throw new Error('not a sealed box');
    const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(place, 'utf8'))
      .setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEAD_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new EdgeError('key_file_unreadable', `${place} does not open with this key.`, { cause });
  }
}

/** A key for one purpose out of a master key, so that no two purposes share one. */
export function deriveKey(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `selvage ${purpose}`, 32));
}
