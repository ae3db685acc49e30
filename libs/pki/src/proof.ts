import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';
import { fromPem } from './der.js';
import { fingerprintOf, readCertificate } from './fingerprint.js';
import { signBytes, verifyBytes } from './keys.js';

const PURPOSE = 'selvage renewal v1';

/** What is signed: the purpose, the certificate that is renewed and the request for the new one. */
function statement(certificate: X509Certificate, csrPem: string): Buffer {
  const request = createHash('sha256').update(fromPem(csrPem, 'CERTIFICATE REQUEST')).digest('hex');
  return Buffer.from(`${PURPOSE}\n${fingerprintOf(certificate)}\n${request}`, 'utf8');
}

/**
 * Proof that whoever sends a request for a new certificate holds the key of the current one, base64. It is not bound to a connection,
 * so that an expired certificate can renew, and a replay is harmless: it yields a certificate for the same new key.
 */
export async function signRenewal({
  certificate,
  csr,
  key,
}: {
  certificate: string;
  csr: string;
  key: KeyObject;
}): Promise<string> {
  return (await signBytes(statement(readCertificate(certificate), csr), key)).toString('base64');
}

/**
 * Checks a proof and gives the current certificate. Whether that one is ours, and not revoked, is for the caller to say.
 * @throws EdgeError `certificate_invalid`.
 */
export async function checkRenewal({
  certificate,
  csr,
  proof,
}: {
  certificate: string;
  csr: string;
  proof: string;
}): Promise<X509Certificate> {
  const current = readCertificate(certificate);
  const signature = Buffer.from(proof, 'base64');
  if (await verifyBytes(readable(current, csr), current.publicKey, { signature })) return current;
  throw new EdgeError('certificate_invalid', 'The proof was not made with the key of the certificate.');
}

function readable(certificate: X509Certificate, csr: string): Buffer {
  try {
    return statement(certificate, csr);
  } catch (cause) {
    throw new EdgeError('csr_refused', 'It is not a PKCS#10 request in PEM.', { cause });
  }
}
