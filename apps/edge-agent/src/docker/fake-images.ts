import { createHash } from 'node:crypto';
import { EdgeError, imageParts } from '@selvage/protocol';
import type { Credentials, Image } from './docker.js';

interface Published {
  readonly image: Image;
  readonly digest: string;
  readonly credentials?: Pick<Credentials, 'username' | 'password'>;
}

/** The images of the engine in memory, and the registries that it pulls from. */
export class FakeImages {
  /** Whether registries answer. */
  reachable = true;
  readonly #local = new Map<string, Image>();
  readonly #registry = new Map<string, Published>();
  readonly #held = new Map<string, Promise<void>>();

  /** Puts an image into a registry under `repository:tag` and under its digest. */
  publish(
    reference: string,
    options: { content?: string; arch?: string; credentials?: Published['credentials'] } = {},
  ): string {
    const digest = `sha256:${hex(options.content ?? reference)}`;
    const repository = imageParts(reference)?.repository ?? reference;
    const image: Image = {
      id: `sha256:${hex(`config ${digest}`)}`,
      digests: [`${repository}@${digest}`],
      arch: options.arch ?? 'amd64',
      os: 'linux',
    };
    const published = { image, digest, ...(options.credentials && { credentials: options.credentials }) };
    this.#registry.set(reference, published);
    this.#registry.set(`${repository}@${digest}`, published);
    return digest;
  }

  /** Makes an image on this machine that no registry has; gives its id. */
  build(reference: string, arch = 'amd64'): string {
    const image: Image = { id: `sha256:${hex(`built ${reference}`)}`, digests: [], arch, os: 'linux' };
    this.#keep(reference, image);
    return image.id;
  }

  /** Forgets the local copies. */
  prune(): void {
    this.#local.clear();
  }

  /** Pulls of this reference wait until the returned function is called. */
  hold(reference: string): () => void {
    let release = (): void => undefined;
    this.#held.set(reference, new Promise<void>((resolve) => (release = resolve)));
    return () => {
      this.#held.delete(reference);
      release();
    };
  }

  find(reference: string): Image | undefined {
    return this.#local.get(reference);
  }

  async pull(
    reference: string,
    { signal, credentials }: { signal: AbortSignal; credentials?: Credentials },
  ): Promise<string> {
    const held = this.#held.get(reference);
    if (held) await Promise.race([held, aborted(signal)]);
    if (!this.reachable) throw failed(reference, 'dial tcp: lookup registry: no such host');
    const published = this.#registry.get(reference);
    if (!published) throw failed(reference, 'manifest unknown: manifest unknown');
    const { credentials: asked } = published;
    if (asked && (asked.username !== credentials?.username || asked.password !== credentials.password))
      throw failed(reference, 'no basic auth credentials');
    this.#keep(reference, published.image);
    return published.digest;
  }

  #keep(reference: string, image: Image): void {
    for (const name of [reference, image.id, ...image.digests]) this.#local.set(name, image);
  }
}

function failed(reference: string, why: string): EdgeError {
  return new EdgeError('image_pull_failed', `${reference}: ${why}`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        reject(new EdgeError('docker_unavailable', 'The request was given up.'));
      },
      { once: true },
    );
  });
}

function hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
