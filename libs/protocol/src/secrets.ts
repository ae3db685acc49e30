import { z } from 'zod';
import { name } from './ids.js';
import { listQuery, page, resource, write } from './resources.js';

/** Credentials for one registry host, `registry.example.com:5000` for instance. */
export const registrySecret = z.strictObject({
  type: z.literal('registry'),
  registry: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[A-Za-z0-9.:[\]-]+$/, 'host or host:port of the registry'),
  username: z.string().min(1).max(255),
  password: z.string().min(1).max(4096),
});

const MAX_DATA_BYTES = 65_536;
const property = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'the name of a property has 1 to 64 letters, digits, _ and -');

/**
 * Values that devices and apps with a certificate may read from the broker of the named nodes, in IEF's words "encrypted data":
 * `$hw/{project}/encryptdatas/{name}/properties/{property}/decrypt`.
 */
export const dataSecret = z.strictObject({
  type: z.literal('data'),
  nodes: z.array(name).max(1000).default([]),
  properties: z
    .record(property, z.string().max(4096))
    .refine((all) => Object.keys(all).length <= 64, 'at most 64 properties')
    .refine(
      (all) => Object.values(all).reduce((sum, value) => sum + value.length, 0) <= MAX_DATA_BYTES,
      `at most ${MAX_DATA_BYTES} characters in all`,
    ),
});

/** A secret as it is written. It is sealed at rest and never read back: answers carry `secretShown` instead. */
export const secretSpec = z.discriminatedUnion('type', [registrySecret, dataSecret]);
export type SecretSpec = z.infer<typeof secretSpec>;

/** What may be seen of a secret. */
export const secretShown = z.discriminatedUnion('type', [
  z.object({ type: z.literal('registry'), registry: z.string(), username: z.string() }),
  /** `properties`: their names. */
  z.object({ type: z.literal('data'), nodes: z.array(name), properties: z.array(z.string()) }),
]);
export type SecretShown = z.infer<typeof secretShown>;

export const secretStatus = z.object({ usedBy: z.array(name) });
export const secret = resource(secretShown, secretStatus);
export type Secret = z.infer<typeof secret>;
export const secretWrite = write(secretSpec);
export const secretPage = page(secret);
export const secretList = listQuery;

/** Section `secrets` of a node's desired state: the secrets that apps on that node use. */
export const desiredSecrets = z.object({ secrets: z.array(z.object({ name, spec: secretSpec })) });
export type DesiredSecrets = z.infer<typeof desiredSecrets>;
