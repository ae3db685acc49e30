import { EdgeError } from '@selvage/protocol';

/** Where a list of certificates, newest first, goes on. */
export interface CertificatePlace {
  readonly notBefore: string;
  readonly serial: string;
}

/** The place as text for the caller, who gives it back unchanged. */
export function certificateCursor({ notBefore, serial }: CertificatePlace): string {
  return Buffer.from(`${notBefore} ${serial}`, 'latin1').toString('base64url');
}

/** @throws EdgeError `invalid_cursor`. */
export function readCertificateCursor(cursor: string): CertificatePlace {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, notBefore, serial] = /^([\dT:.Z-]{20,30}) ([\da-f]{1,40})$/.exec(text) ?? [];
  if (notBefore !== undefined && serial !== undefined) return { notBefore, serial };
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}
