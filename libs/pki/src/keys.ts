import { createPublicKey, generateKeyPair, type KeyObject, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { EdgeError } from '@selvage/protocol';
import { der, type DerNode } from './der.js';

const generate = promisify(generateKeyPair);

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new P-256 key, made off the event loop. */
export function newKeyPair(): Promise<KeyPair> {
  return generate('ec', { namedCurve: 'P-256' });
}

/** SubjectPublicKeyInfo of a key, DER. */
export function spkiOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/**
 * A public key out of its SubjectPublicKeyInfo, if it is of a kind that we certify: P-256, P-384, Ed25519, RSA of 2048 to 4096 bits.
 * @throws EdgeError `csr_refused` that names the kind.
 */
export function certifiableKey(spki: Buffer): KeyObject {
  const key = readPublicKey(spki);
  const kind = kindOf(key);
  if (kind.accepted) return key;
  throw new EdgeError(
    'csr_refused',
    `Its key is ${kind.name}; use P-256, P-384, Ed25519 or RSA with 2048 to 4096 bits.`,
  );
}

function readPublicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, type: 'spki', format: 'der' });
  } catch (cause) {
    throw new EdgeError('csr_refused', 'Its public key cannot be read.', { cause });
  }
}

function kindOf(key: KeyObject): { name: string; accepted: boolean } {
  const { namedCurve, modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return {
        name: `of curve ${namedCurve ?? 'unknown'}`,
        accepted: namedCurve === 'prime256v1' || namedCurve === 'secp384r1',
      };
    case 'rsa':
      return {
        name: `RSA with ${modulusLength} bits and exponent ${String(publicExponent)}`,
        accepted: modulusLength >= 2048 && modulusLength <= 4096 && publicExponent === 65_537n,
      };
    default:
      return { name: key.asymmetricKeyType ?? 'unknown', accepted: key.asymmetricKeyType === 'ed25519' };
  }
}

/** Digest and signature algorithm that go with a key. `hash` is null where the algorithm brings its own. */
function schemeOf(key: KeyObject): { hash: string | null; algorithm: DerNode } {
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  if (asymmetricKeyType === 'ed25519') return { hash: null, algorithm: der.sequence(der.oid('1.3.101.112')) };
  if (asymmetricKeyType === 'rsa') {
    const nothing = der.raw(Buffer.of(5, 0));
    return { hash: 'sha256', algorithm: der.sequence(der.oid('1.2.840.113549.1.1.11'), nothing) };
  }
  return asymmetricKeyDetails?.namedCurve === 'secp384r1'
    ? { hash: 'sha384', algorithm: der.sequence(der.oid('1.2.840.10045.4.3.3')) }
    : { hash: 'sha256', algorithm: der.sequence(der.oid('1.2.840.10045.4.3.2')) };
}

/** AlgorithmIdentifier of the signatures that `signBytes` makes with this key. */
export function signatureAlgorithm(key: KeyObject): DerNode {
  return schemeOf(key).algorithm;
}

/** Signs on a thread of the pool; ECDSA signatures come in DER. */
export function signBytes(bytes: Buffer, key: KeyObject): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(schemeOf(key).hash, bytes, key, (error, signature) => {
      if (error) reject(error);
      else resolve(signature);
    });
  });
}

/** Verifies on a thread of the pool. Any signature that cannot be read is just not valid. `hash`: unless the key's own. */
export function verifyBytes(
  bytes: Buffer,
  key: KeyObject,
  { signature, hash }: { signature: Buffer; hash?: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    verify(hash ?? schemeOf(key).hash, bytes, key, signature, (error, valid) => {
      resolve(!error && valid);
    });
  });
}
