import { imageParts } from '@selvage/protocol';
import { type Docker, type Image, registryUnreachable } from '../docker/index.js';

/**
 * Finds out which image a tag stands for, and has the engine fetch it: `repository@sha256:…`. The registry is asked; when it cannot be
 * reached, an image of that tag that is here already serves. An image that was built here and is in no registry is named by its id.
 */
export async function resolveTag(
  docker: Docker,
  tag: string,
  pull: () => Promise<string | undefined>,
): Promise<string> {
  const here = await docker.image(tag);
  if (here?.digests.length === 0) return here.id;
  const repository = imageParts(tag)?.repository ?? tag;
  try {
    const digest = await pull();
    if (digest !== undefined) return `${repository}@${digest}`;
  } catch (error) {
    if (here === undefined || !registryUnreachable(error)) throw error;
    return nameOf(here, repository);
  }
  const fetched = await docker.image(tag);
  return fetched ? nameOf(fetched, repository) : tag;
}

function nameOf({ id, digests }: Image, repository: string): string {
  return digests.find((digest) => digest.startsWith(`${repository}@`)) ?? id;
}
