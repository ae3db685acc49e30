import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { EdgeError, type NodeRef, nodeKey } from '@selvage/protocol';
import { commonName, identityOf, readCertificate, splitChain } from '@selvage/pki';

/** A certificate that the hub gave out, and what it has to fit. PEM. */
export interface Issue {
  readonly chain: string;
  readonly ca: string;
  readonly key: string;
  readonly node: NodeRef;
}

/**
 * Whether a certificate leads up to the authority, names this node and belongs to its key. Not whether it is valid now: the clock of
 * this machine may be wrong.
 * @throws EdgeError `certificate_invalid`.
 */
export function checkIssued(issue: Issue): void {
  const problem = problemOf(issue);
  if (problem !== undefined)
    throw new EdgeError('certificate_invalid', `The certificate that the hub sent ${problem}.`);
}

/** What is wrong with a certificate, as the end of a sentence about it. */
export function problemOf({ chain, ca, key, node }: Issue): string | undefined {
  const [leaf, ...intermediates] = splitChain(chain).map(readCertificate);
  if (leaf === undefined) return 'is none';
  if (!leadsUp(leaf, intermediates, splitChain(ca).map(readCertificate))) return "is not signed by the hub's authority";
  const identity = identityOf(leaf);
  if (identity.kind !== 'node' || commonName(identity) !== nodeKey(node)) return `is of ${commonName(identity)}`;
  return leaf.checkPrivateKey(createPrivateKey(key)) ? undefined : 'is for another key';
}

function leadsUp(
  certificate: X509Certificate,
  intermediates: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  if (roots.some((root) => isIssuedBy(certificate, root))) return true;
  const [next, ...rest] = intermediates;
  return next !== undefined && isIssuedBy(certificate, next) && leadsUp(next, rest, roots);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
