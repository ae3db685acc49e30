import { access, mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { EdgeError } from '@selvage/protocol';

export interface MountRules {
  /** Host paths under which containers may mount. */
  readonly allow: readonly string[];
  /** Never mounted, whatever is allowed: the engine's socket, the agent's own folder. */
  readonly protect: readonly string[];
}

/**
 * The real path to mount for a host path of a spec. Symbolic links are followed before it is judged, so that none leads out of the
 * allow-list. A folder that does not exist is made, mode 0755, as the engine does for a plain bind.
 * @throws EdgeError `mount_forbidden`
 */
export async function mountSource(hostPath: string, rules: MountRules): Promise<string> {
  await judge(hostPath, await expected(hostPath), rules);
  await makeFolder(hostPath);
  const real = await expected(hostPath);
  await judge(hostPath, real, rules);
  return real;
}

async function judge(hostPath: string, real: string, rules: MountRules): Promise<void> {
  const allowed = await Promise.all(rules.allow.map(expected));
  if (!allowed.some((root) => isWithin(real, root))) throw forbidden(hostPath, real, rules.allow);
  for (const guarded of await Promise.all(rules.protect.map(expected)))
    if (isWithin(guarded, real) || isWithin(real, guarded))
      throw new EdgeError('mount_forbidden', `${hostPath} would give the container ${guarded}, which no app may have.`);
}

/** Where a path leads: its links followed as far as it exists, the rest as it is written. */
async function expected(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error) || path === dirname(path)) throw unreadable(path, error);
    return join(await expected(dirname(path)), basename(path));
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    if (!isMissing(error)) throw unreadable(path, error);
    await mkdir(path, { recursive: true, mode: 0o755 }).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
  }
}

function forbidden(hostPath: string, real: string, allow: readonly string[]): EdgeError {
  const where = real === hostPath ? hostPath : `${hostPath} leads to ${real}, which`;
  const list = allow.length === 0 ? 'is empty' : `has ${allow.join(', ')}`;
  return new EdgeError('mount_forbidden', `${where} is not under the node's mount allow-list, which ${list}.`);
}

function unreadable(path: string, cause: unknown): EdgeError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError('mount_forbidden', `${path} cannot be used: ${why}`, { cause });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
