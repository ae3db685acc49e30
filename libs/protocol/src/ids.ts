import { z } from 'zod';

/** Name of a project, node, app, container, volume or secret: a DNS label, so that it fits every place a name goes. */
export const name = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'a name has 1 to 63 lowercase letters, digits and dashes, and starts and ends with a letter or digit',
  );

/** A node within its project. */
export const nodeRef = z.strictObject({ project: name, node: name });
export type NodeRef = z.infer<typeof nodeRef>;

/** `project/node`, the one spelling of a node's full name: in logs, certificates, container labels and map keys. */
export function nodeKey(ref: NodeRef): string {
  return `${ref.project}/${ref.node}`;
}

/** Lowercase hexadecimal SHA-256. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 has 64 hexadecimal digits');

/** A moment as ISO 8601 in UTC. */
export const timestamp = z.iso.datetime().max(40);

/** Image digest as registries write it. */
export const imageDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hexadecimal digits');
