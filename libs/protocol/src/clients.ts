/** Apps that talk to a node's broker, and what devices and apps prove who they are with. */
import { z } from 'zod';
import { clientGrants } from './grants.js';
import { name, sha256Hex, timestamp } from './ids.js';
import { listQuery, mergePatch, page, resource, write } from './resources.js';

/** An app on the broker of one node at most. Its name is its identity there. */
export const clientSpec = z.strictObject({
  description: z.string().max(255).default(''),
  node: name.optional(),
  grants: clientGrants.prefault({}),
});
export type ClientSpec = z.infer<typeof clientSpec>;

/** `certificates`: how many are valid. `login`: the user name, when it has one. */
export const clientStatus = z.object({ certificates: z.int().nonnegative(), login: z.string().optional() });
export const client = resource(clientSpec, clientStatus);
export type Client = z.infer<typeof client>;
export const clientWrite = write(clientSpec);
export const clientPage = page(client);
export const clientPatch = mergePatch;
export const clientList = listQuery.extend({ node: name.optional() });

// ---- certificates of devices and apps ----

/** Asks for a certificate. Without a CSR the hub makes the key pair and hands the private key out in the answer, once. */
export const clientCertificateRequest = z.strictObject({ csr: z.string().max(16_384).optional() });

/** `chain` is leaf then intermediate, `ca` the root to trust, `key` the private key when the hub made it; all PEM. */
export const clientCertificate = z.object({
  serial: z.string(),
  fingerprint: sha256Hex,
  /** `project/name` of whom it identifies. */
  subject: z.string(),
  notAfter: timestamp,
  chain: z.string(),
  ca: z.string(),
  key: z.string().optional(),
});
export type ClientCertificate = z.infer<typeof clientCertificate>;
