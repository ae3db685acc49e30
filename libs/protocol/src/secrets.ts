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

/** A secret as it is written. It is sealed at rest and never read back: answers carry `secretShown` instead. */
export const secretSpec = z.discriminatedUnion('type', [registrySecret]);
export type SecretSpec = z.infer<typeof secretSpec>;

/** What may be seen of a secret. */
export const secretShown = z.object({ type: z.literal('registry'), registry: z.string(), username: z.string() });
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
