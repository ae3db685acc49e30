import { z } from 'zod';
import { name, timestamp } from './ids.js';
import { page } from './resources.js';

/** What a caller may do: `viewer` reads, `operator` changes what runs, `admin` also manages projects, tokens and users. */
export const role = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof role>;

export const loginRequest = z.strictObject({
  username: z.string().min(1).max(64),
  password: z.string().min(1).max(256),
});
/** `token` is a bearer token; it is shown this once. */
export const loginAnswer = z.object({ token: z.string(), expiresAt: timestamp, role });

export const passwordChange = z.strictObject({
  current: z.string().min(1).max(256),
  next: z.string().min(12, 'a password has at least 12 characters').max(256),
});

/** An API token for a program. `projects` limits it; absent means all. */
export const apiTokenWrite = z.strictObject({
  name,
  role,
  projects: z.array(name).max(100).optional(),
  expiresInSeconds: z
    .int('is a whole number of seconds')
    .min(60, 'one minute at least (60)')
    .max(315_360_000, 'ten years at most (315360000)')
    .optional(),
});
export const apiToken = z.object({
  name,
  role,
  projects: z.array(name).optional(),
  createdAt: timestamp,
  expiresAt: timestamp.optional(),
  lastUsedAt: timestamp.optional(),
});
export type ApiToken = z.infer<typeof apiToken>;
/** The answer to making a token: `token` is shown this once. */
export const apiTokenMade = apiToken.extend({ token: z.string() });
export const apiTokenPage = page(apiToken);

export const me = z.object({ username: z.string(), role, projects: z.array(name).optional() });

export const projectWrite = z.strictObject({ description: z.string().max(255).default('') });
export const project = z.object({ name, description: z.string(), createdAt: timestamp });
export type Project = z.infer<typeof project>;
export const projectPage = page(project);

/** One line of the audit log; `hash` covers the line and the hash before it. */
export const auditEntry = z.object({
  id: z.int(),
  at: timestamp,
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  project: z.string().optional(),
  outcome: z.string(),
  requestId: z.string(),
  hash: z.string(),
});
export const auditPage = page(auditEntry);
