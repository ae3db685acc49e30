import { z } from 'zod';
import { name, nodeRef, sha256Hex, timestamp } from './ids.js';
import { page } from './resources.js';
import { joinTokenText } from './nodes.js';

/** A certificate signing request or a certificate chain, PEM. */
const pem = z.string().max(16_384);

const dnsName = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*$/, 'not a host name');

/**
 * Names and addresses under which devices reach the node's broker: they go into its certificate, so that a device can check whom it
 * talks to. They identify nobody to the hub, and no agent takes a node for a hub.
 */
export const nodeHosts = z
  .array(z.union([z.ipv4(), z.ipv6(), dnsName]))
  .max(32)
  .default([]);

/** `POST /join`: the agent trades its join token and a CSR for a certificate. The token was checked against the CA before. */
export const joinRequest = z.strictObject({
  token: z.string().refine((text) => joinTokenText.safeParse(text).success, 'not a join token'),
  /** The name that the operator gave on the machine, when one was given: it must be the token's. */
  node: name.optional(),
  csr: pem,
  hosts: nodeHosts,
});
export type JoinRequest = z.input<typeof joinRequest>;

/** `POST /renew`: works with an expired certificate too, inside the grace window, because the proof is a signature by its key. */
export const renewRequest = z.strictObject({
  certificate: pem,
  csr: pem,
  /** Signature of the current key over the new CSR, base64. */
  proof: z.string().max(2048),
  hosts: nodeHosts,
});
export type RenewRequest = z.input<typeof renewRequest>;

/** What the agent gets for either: `chain` is leaf then intermediates, `ca` the roots to trust, all PEM. */
export const issuedCertificate = nodeRef.extend({
  chain: z.string(),
  ca: z.string(),
  notAfter: timestamp,
});
export type IssuedCertificate = z.infer<typeof issuedCertificate>;

export const certificate = z.object({
  serial: z.string(),
  fingerprint: sha256Hex,
  kind: z.enum(['node', 'hub', 'device', 'app']),
  /** `project/name` of whom it identifies. */
  subject: z.string(),
  notBefore: timestamp,
  notAfter: timestamp,
  revokedAt: timestamp.optional(),
  revokedReason: z.string().optional(),
});
export type Certificate = z.infer<typeof certificate>;
export const certificatePage = page(certificate);
export const revokeRequest = z.strictObject({ reason: z.string().max(255).default('revoked by an operator') });
