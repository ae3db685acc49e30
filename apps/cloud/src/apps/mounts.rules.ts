import { posix } from 'node:path';
import { type AppSpec, EdgeError } from '@selvage/protocol';

/** What the rules know of a node: its allow-list is unknown until it has reported its facts. */
export interface MountHost {
  readonly node: string;
  readonly allowed: readonly string[] | undefined;
}

/** Host paths that no allow-list can open: they are the machine itself, its secrets, or a way to command the engine. */
const NEVER = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/sys',
  '/usr/bin',
  '/usr/lib',
  '/usr/sbin',
  '/var/lib/containerd',
  '/var/lib/docker',
  '/var/lib/selvage',
  '/var/run',
] as const;
const ENGINE_SOCKET = /^(docker|containerd|podman|crio)\.sock$/;

/** Every host path that the containers mount, each once, in one spelling. */
export function hostPathsOf(spec: Pick<AppSpec, 'containers'>): string[] {
  const paths = spec.containers.flatMap(({ mounts }) =>
    mounts.flatMap((mount) => ('hostPath' in mount ? [plain(mount.hostPath)] : [])),
  );
  return [...new Set(paths)];
}

/**
 * Refuses host paths that no node may mount: system paths, what lies under them, and what they lie under.
 * @throws EdgeError `mount_forbidden`
 */
export function refuseSystemPaths(paths: readonly string[]): void {
  for (const path of paths) {
    const holder = forbiddenBy(path);
    if (holder !== undefined)
      throw new EdgeError('mount_forbidden', `Host path ${path} is never mounted: ${holder}. Use a named volume.`);
  }
}

/**
 * Refuses host paths outside the allow-list of a node that has reported one.
 * @throws EdgeError `mount_forbidden` naming path and node.
 */
export function refuseUnlistedPaths(paths: readonly string[], hosts: readonly MountHost[]): void {
  for (const { node, allowed } of hosts) {
    const path = allowed && paths.find((wanted) => !allowed.some((root) => within(wanted, plain(root))));
    if (path !== undefined)
      throw new EdgeError(
        'mount_forbidden',
        `Node "${node}" does not allow the host path ${path}. Its owner can add it to mountAllowList in the agent's configuration.`,
      );
  }
}

function forbiddenBy(path: string): string | undefined {
  if (path === '/') return 'it is the whole machine';
  if (path.split('/').some((part) => ENGINE_SOCKET.test(part))) return 'it commands the container engine';
  const root = NEVER.find((never) => within(path, never) || within(never, path));
  if (root === undefined) return undefined;
  return within(path, root) ? `${root} belongs to the system` : `it holds ${root}`;
}

function within(path: string, root: string): boolean {
  return path === root || root === '/' || path.startsWith(`${root}/`);
}

/** One spelling of a path: no `.`, no doubled or trailing slash. */
function plain(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/+$/, '') : normal;
}
