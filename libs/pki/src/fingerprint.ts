import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';

/** What is needed of a certificate that a peer showed: an `X509Certificate` has it, and so has what a TLS socket tells at a fifth of the time. */
export interface ShownCertificate {
  /** Hexadecimal. */
  readonly serialNumber: string;
  readonly subjectAltName: string | undefined;
  /** DER. */
  readonly raw: Buffer;
}

/** SHA-256 over a certificate's DER, lowercase hexadecimal. */
export function fingerprintOf(certificate: Pick<ShownCertificate, 'raw'>): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

/** The same as join tokens carry it: base64url. */
export function caSha256(pem: string): string {
  return createHash('sha256').update(readCertificate(pem).raw).digest('base64url');
}

/** The hub's name in container labels and logs: the first 16 hexadecimal digits of its root's SHA-256. */
export function hubId(rootPem: string): string {
  return fingerprintOf(readCertificate(rootPem)).slice(0, 16);
}

/** SHA-256 of a public key, lowercase hexadecimal: tells keys apart. */
export function keyFingerprint(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** Compares two texts in a time that depends on their lengths only. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Reads the first certificate of a PEM text.
 * @throws EdgeError `certificate_invalid`.
 */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new EdgeError('certificate_invalid', 'It is not a certificate in PEM.', { cause });
  }
}

/** The certificates of a PEM text, in order. */
export function splitChain(pem: string): string[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((one) => `${one}\n`);
}
