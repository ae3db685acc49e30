import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, name } from '@selvage/protocol';
import { writePrivate } from '@selvage/pki';
import { z } from 'zod';

const identity = z.object({
  hubUrl: z.url({ protocol: /^https$/ }),
  /** The hub's name in container labels. It stays the same when the hub's authority is replaced. */
  hub: z.string().regex(/^[0-9a-f]{16}$/),
  project: name,
  node: name,
  /** Private key, certificate and intermediates, and the roots to trust: PEM. */
  key: z.string(),
  chain: z.string(),
  ca: z.string(),
});
/** Who this machine is at which hub, and the proof of it. */
export type NodeIdentity = z.infer<typeof identity>;

const joining = z.object({ token: z.string(), key: z.string() });

/**
 * `identity.json` of a data folder: key and certificate in one file, replaced by one rename, so that after a power cut they fit together.
 */
export class IdentityFile {
  readonly #path: string;
  #held: NodeIdentity | undefined;

  constructor(folder: string) {
    this.#path = join(folder, 'identity.json');
  }

  /**
   * Reads the file; gives `undefined` when this machine has not joined a hub.
   * @throws EdgeError `key_file_unreadable`.
   */
  async load(): Promise<NodeIdentity | undefined> {
    this.#held = await readJson(this.#path, identity, 'join again with --force and a new token.');
    return this.#held;
  }

  /** What was loaded or saved last. */
  get held(): NodeIdentity {
    if (this.#held === undefined) throw new Error('no identity was loaded');
    return this.#held;
  }

  async save(next: NodeIdentity): Promise<void> {
    await writePrivate(this.#path, JSON.stringify(next));
    this.#held = next;
  }
}

/** `joining.json`: the key of a join that has not succeeded yet, so that the same token works again after a crash in between. */
export class JoiningFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'joining.json');
  }

  /** The key, PEM, that an earlier try with this token made. `token` is its hash. */
  async keyFor(token: string): Promise<string | undefined> {
    const held = await readJson(this.#path, joining, 'remove it and join again.');
    return held?.token === token ? held.key : undefined;
  }

  async save(token: string, key: string): Promise<void> {
    await writePrivate(this.#path, JSON.stringify({ token, key }));
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>, advice: string): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new EdgeError('key_file_unreadable', `${path} is damaged: restore it from your backup, or ${advice}`, {
      cause,
    });
  }
}
