import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeError, name } from '@selvage/protocol';
import { writePrivate } from '@selvage/pki';
import { z } from 'zod';
import { problemOf } from './check-issued.js';

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

const REJOIN = 'join again with --force and a new token.';
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
    this.#held = await readJson(this.#path, identity, REJOIN);
    return this.#held;
  }

  /**
   * Whether key, certificate and authority of what is held belong together.
   * @throws EdgeError `key_file_unreadable`: nothing that is tried with them succeeds.
   */
  check(): void {
    const problem = problemOfIdentity(this.held);
    if (problem !== undefined) throw damaged(this.#path, { why: problem, advice: REJOIN });
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

function problemOfIdentity(held: NodeIdentity): string | undefined {
  try {
    const problem = problemOf({ ...held, node: held });
    return problem && `its certificate ${problem}`;
  } catch (error) {
    return `its key or a certificate cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>, advice: string): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw damaged(path, { why: 'it cannot be read', advice }, { cause });
  }
}

function damaged(path: string, { why, advice }: { why: string; advice: string }, options?: ErrorOptions): EdgeError {
  const detail = `${path} is damaged, ${why}: restore it from your backup, or ${advice}`;
  return new EdgeError('key_file_unreadable', detail, options);
}
