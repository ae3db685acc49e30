import { z } from 'zod';

const DOMAIN = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)`;
const COMPONENT = String.raw`[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*`;
const REFERENCE = new RegExp(
  String.raw`^(?:(?<domain>${DOMAIN})\/)?(?<path>${COMPONENT}(?:\/${COMPONENT})*)(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$`,
);

/** An image reference as registries and engines understand it: `[registry[:port]/]path[:tag][@sha256:…]`. */
export const image = z
  .string()
  .max(512)
  .regex(REFERENCE, 'not an image reference: write [registry/]name[:tag] or name@sha256:…');

/** The parts of an image reference. */
export interface ImageParts {
  /** Host of the registry, `docker.io` when the reference names none. */
  readonly registry: string;
  /** Everything before tag and digest, as written. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Splits an image reference; like the engine, the part before the first `/` is a registry if it has `.` or `:` or is `localhost`. */
export function imageParts(reference: string): ImageParts | undefined {
  const groups = REFERENCE.exec(reference)?.groups;
  if (!groups) return undefined;
  const { domain, path, tag, digest } = groups;
  const isRegistry = domain !== undefined && (/[.:]/.test(domain) || domain === 'localhost');
  return {
    registry: isRegistry ? domain : 'docker.io',
    repository: domain === undefined ? (path ?? '') : `${domain}/${path ?? ''}`,
    tag,
    digest,
  };
}
