import { EdgeError, type NodeRef } from '@selvage/protocol';
import type { ShownCertificate } from './fingerprint.js';

/** Whom a certificate identifies. Its URI name says it with authority; the common name is there for people. */
export type Identity =
  | { readonly kind: 'node' | 'device' | 'app'; readonly project: string; readonly name: string }
  | { readonly kind: 'hub'; readonly name: string };

const URI = /^urn:selvage:(node|device|app):([a-z0-9-]{1,63}):([A-Za-z0-9_-]{1,64})$/;
const HUB_URI = /^urn:selvage:hub:([a-z0-9.-]{1,255})$/;

/** The identity of a node. */
export function nodeIdentity({ project, node }: NodeRef): Identity {
  return { kind: 'node', project, name: node };
}

/** Common name: `project/name`, or the hub's name. */
export function commonName(identity: Identity): string {
  return identity.kind === 'hub' ? identity.name : `${identity.project}/${identity.name}`;
}

/** URI of the subject alternative name, `urn:selvage:node:default:local` for instance. */
export function identityUri(identity: Identity): string {
  return identity.kind === 'hub'
    ? `urn:selvage:hub:${identity.name}`
    : `urn:selvage:${identity.kind}:${identity.project}:${identity.name}`;
}

/**
 * Whom a certificate identifies.
 * @throws EdgeError `certificate_invalid` when it does not name exactly one identity of ours.
 */
export function identityOf(certificate: Pick<ShownCertificate, 'subjectAltName'>): Identity {
  const uris = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('URI:'))
    .map((entry) => entry.slice('URI:'.length));
  const [uri = ''] = uris;
  const identity = uris.length === 1 ? parse(uri) : undefined;
  if (identity === undefined) throw new EdgeError('certificate_invalid', 'It does not name a node of this hub.');
  return identity;
}

function parse(uri: string): Identity | undefined {
  const hub = HUB_URI.exec(uri)?.[1];
  if (hub !== undefined) return { kind: 'hub', name: hub };
  const [, kind, project, name] = URI.exec(uri) ?? [];
  if (project === undefined || name === undefined) return undefined;
  if (kind === 'node' || kind === 'device' || kind === 'app') return { kind, project, name };
  return undefined;
}
