import { type Certificate, EdgeError, type NodeRef } from '@selvage/protocol';

/** A certificate as it was issued, and whether it was revoked. */
export interface StoredCertificate {
  readonly serial: string;
  readonly fingerprint: string;
  readonly kind: Certificate['kind'];
  readonly project: string;
  readonly name: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly revokedAt: string | null;
  readonly revokedReason: string | null;
}

/** Who shows a certificate on the link. */
export interface ShownCertificate {
  readonly ref: NodeRef;
  readonly fingerprint: string;
}

/**
 * Whether a node may connect with a certificate that the TLS handshake already proved to be of our authority.
 * @returns the refusal, undefined when it may. `now` is in milliseconds since 1970.
 */
export function linkRefusal(
  stored: StoredCertificate | undefined,
  shown: ShownCertificate,
  now: number,
): EdgeError | undefined {
  const known =
    stored?.kind === 'node' &&
    stored.fingerprint === shown.fingerprint &&
    stored.project === shown.ref.project &&
    stored.name === shown.ref.node;
  if (!known) return new EdgeError('certificate_invalid', 'This hub has no record of it; join the node again.');
  if (stored.revokedAt !== null) return revoked(stored);
  if (Date.parse(stored.notAfter) <= now)
    return new EdgeError('certificate_expired', `It was good until ${stored.notAfter}; renew it first.`);
  return undefined;
}

/** Whether a certificate may still be traded for a new one: until `graceDays` after its end, unless revoked. */
export function renewalRefusal(
  stored: StoredCertificate | undefined,
  shown: ShownCertificate,
  given: { readonly now: number; readonly graceDays: number },
): EdgeError | undefined {
  const refusal = linkRefusal(stored, shown, Number.NEGATIVE_INFINITY);
  if (refusal || !stored) return refusal;
  const end = Date.parse(stored.notAfter) + given.graceDays * 86_400_000;
  if (end <= given.now)
    return new EdgeError(
      'certificate_expired',
      `It expired at ${stored.notAfter}, more than ${given.graceDays} days ago; join the node again with a new token.`,
    );
  return undefined;
}

/** The refusal of a revoked certificate. */
export function revoked(stored: Pick<StoredCertificate, 'revokedReason'>): EdgeError {
  return new EdgeError('certificate_revoked', `Reason: ${stored.revokedReason ?? 'none given'}.`);
}

/** What the API shows of a certificate. */
export function shownCertificate(stored: StoredCertificate): Certificate {
  const { serial, fingerprint, kind, project, name, notBefore, notAfter, revokedAt, revokedReason } = stored;
  return {
    serial,
    fingerprint,
    kind,
    subject: `${project}/${name}`,
    notBefore,
    notAfter,
    ...(revokedAt === null ? {} : { revokedAt }),
    ...(revokedReason === null ? {} : { revokedReason }),
  };
}

/** When a certificate is due for a new one: at two thirds of its life, in milliseconds since 1970. */
export function renewalDue(notBefore: string, notAfter: string): number {
  const [start, end] = [Date.parse(notBefore), Date.parse(notAfter)];
  return start + ((end - start) * 2) / 3;
}
