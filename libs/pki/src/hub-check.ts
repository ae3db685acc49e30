import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * For `checkServerIdentity` of TLS: the certificate must name the host, as ever, and be a hub's. A node has a certificate of the same
 * authority for its broker, with names that it chose itself: nobody may take it for the hub.
 */
export function checkHub(host: string, certificate: PeerCertificate): Error | undefined {
  const wrongHost = checkServerIdentity(host, certificate);
  if (wrongHost !== undefined) return wrongHost;
  const isHub = /(^|, )URI:urn:selvage:hub:/.test(certificate.subjectaltname ?? '');
  if (isHub) return undefined;
  return Object.assign(new Error(`the certificate of ${host} is not a hub's`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
}
