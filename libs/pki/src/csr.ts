import type { KeyObject } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';
import { content, decode, der, type DerNode, encode, fromPem, oidOf, parts, toPem } from './der.js';
import { commonName, type Identity, identityUri } from './identity.js';
import { certifiableKey, type KeyPair, signatureAlgorithm, signBytes, spkiOf, verifyBytes } from './keys.js';

const MAX_BYTES = 16_384;
const LABEL = 'CERTIFICATE REQUEST';
const OID = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  basicConstraints: '2.5.29.19',
  altName: '2.5.29.17',
};
/** Signature algorithms that a request may be signed with, and their digests. */
const HASHES: Readonly<Record<string, string | undefined>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
};
const ED25519 = '1.3.101.112';

/** A signing request whose own signature holds: the sender has the private key. Only `spki` ever goes into a certificate. */
export interface Csr {
  readonly publicKey: KeyObject;
  readonly spki: Buffer;
  /** The request itself, DER. */
  readonly der: Buffer;
  readonly commonName: string | undefined;
  readonly wantsCa: boolean;
  /** Subject alternative names that were asked for; names that are not text show as `?`. */
  readonly altNames: readonly string[];
}

/** Makes a PKCS#10 request for a key, PEM [RFC 2986]. */
export async function createCsr({ publicKey, privateKey }: KeyPair, subject?: string): Promise<string> {
  const names = subject === undefined ? [] : [der.set(der.sequence(der.oid(OID.commonName), der.utf8(subject)))];
  const info = der.sequence(
    der.integer(Buffer.of(0)),
    der.sequence(...names),
    der.raw(spkiOf(publicKey)),
    der.tagged(0),
  );
  const signature = await signBytes(encode(info), privateKey);
  return toPem(encode(der.sequence(info, signatureAlgorithm(privateKey), der.bits(signature))), LABEL);
}

/**
 * Reads a request and checks its signature and its key.
 * @throws EdgeError `csr_refused` for anything that is not a request we could sign.
 */
export async function readCsr(pem: string): Promise<Csr> {
  const { csr, signed, algorithm, signature } = parse(pem);
  const valid =
    (algorithm === ED25519 || HASHES[algorithm] !== undefined) &&
    (await verifyBytes(signed, csr.publicKey, { signature, ...hashOf(algorithm) }));
  if (!valid) throw new EdgeError('csr_refused', 'Its signature does not match its key.');
  return csr;
}

/**
 * Whether a request asks for no more than this identity.
 * @throws EdgeError `csr_refused` that says what it asked for.
 */
export function checkCsr(csr: Csr, identity: Identity): void {
  const subject = commonName(identity);
  if (csr.wantsCa) throw new EdgeError('csr_refused', 'It asks to become a certificate authority.');
  if (csr.commonName !== undefined && csr.commonName !== subject) {
    throw new EdgeError(
      'csr_refused',
      `It asks for the name "${printable(csr.commonName)}", but this is "${subject}".`,
    );
  }
  const foreign = csr.altNames.find((name) => name !== identityUri(identity));
  if (foreign !== undefined)
    throw new EdgeError('csr_refused', `It asks for the name "${printable(foreign)}" as well.`);
}

interface Parsed {
  readonly csr: Csr;
  readonly signed: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
}

function parse(pem: string): Parsed {
  if (pem.length > MAX_BYTES) throw new EdgeError('csr_refused', `It is larger than ${MAX_BYTES} bytes.`);
  let fields;
  try {
    fields = structure(fromPem(pem, LABEL));
  } catch (cause) {
    throw new EdgeError('csr_refused', 'It is not a PKCS#10 request in PEM.', { cause });
  }
  const publicKey = certifiableKey(fields.csr.spki);
  return { ...fields, csr: { ...fields.csr, publicKey } };
}

function structure(bytes: Buffer): Omit<Parsed, 'csr'> & { csr: Omit<Csr, 'publicKey'> } {
  const [info, algorithm, signature] = parts(decode(bytes));
  const [, subject, spki, attributes] = parts(info);
  if (info === undefined || spki === undefined) throw new Error('parts are missing');
  const extensions = requestedExtensions(attributes);
  const names = parts(subject).flatMap((set) => parts(set).map((pair) => parts(pair)));
  const common = names.find(([type]) => oidOf(type) === OID.commonName)?.[1];
  const csr = {
    der: bytes,
    spki: encode(spki),
    commonName: common === undefined ? undefined : content(common).toString('utf8'),
    wantsCa: extensions.some(([type, value]) => type === OID.basicConstraints && asksForCa(value)),
    altNames: extensions
      .filter(([type]) => type === OID.altName)
      .flatMap(([, value]) => parts(decode(value)).map(nameText)),
  };
  // The first byte of a BIT STRING counts the unused bits of the last one: none in a signature.
  return {
    csr,
    signed: encode(info),
    algorithm: oidOf(parts(algorithm)[0]),
    signature: content(signature).subarray(1),
  };
}

function requestedExtensions(attributes: DerNode | undefined): [oid: string, value: Buffer][] {
  if (attributes === undefined) return [];
  return parts(attributes)
    .map((attribute) => parts(attribute))
    .filter(([type]) => oidOf(type) === OID.extensionRequest)
    .flatMap(([, values]) => parts(values).flatMap((list) => parts(list)))
    .map((extension) => {
      const fields = parts(extension);
      return [oidOf(fields[0]), content(fields.at(-1))];
    });
}

function asksForCa(basicConstraints: Buffer): boolean {
  const [ca] = parts(decode(basicConstraints));
  return ca !== undefined && content(ca).some((byte) => byte !== 0);
}

function nameText(name: DerNode): string {
  return typeof name.value === 'string' ? content(name).toString('utf8') : '?';
}

function hashOf(algorithm: string): { hash?: string } {
  const hash = HASHES[algorithm];
  return hash === undefined ? {} : { hash };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
