import type { ContainerSpec, Mount, PortMapping } from '@selvage/protocol';
import type { ContainerRequest } from '../docker/index.js';

/**
 * What an image's entry point needs that starts as root, prepares files and then becomes another user. Of the engine's own default set
 * these are left out: NET_RAW (forging packets on the bridge), MKNOD (device files), SYS_CHROOT, SETFCAP and AUDIT_WRITE.
 */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETPCAP',
  'SETUID',
];
const PIDS = 1024;
const LOG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } };
const MIB = 1024 * 1024;

/** What a container gets that its spec alone does not say. */
export interface Setting {
  /** Pinned reference or id of the image. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What the engine mounts for each mount of the spec, in order: the name of a volume or a path of the host. */
  readonly sources: readonly string[];
}

/**
 * What decides how a container runs, as a text with sorted keys: a container is replaced when this text changes. Its restart policy is
 * left out, the agent itself applies it; so are the platform's own defaults, so that a newer agent does not restart every app.
 */
export function specText(container: ContainerSpec, image: string): string {
  const { command, args, env, ports, mounts, limits, stopTimeoutSeconds, user } = container;
  const parts = { image, command, args, env, ports, mounts, limits, stopTimeoutSeconds, user };
  return JSON.stringify(parts, (_key, value: unknown) => (isRecord(value) ? sorted(value) : value));
}

/**
 * The engine's request for a container: unprivileged, few capabilities, no new privileges, bounded processes and log.
 * The engine restarts nothing by itself: the agent does, with back-off and a truthful status. The image's process is process 1, as it
 * is with other engines: supervisors such as s6 insist on that.
 */
export function containerRequest(container: ContainerSpec, { image, labels, sources }: Setting): ContainerRequest {
  const { command, args, env, ports, limits, user } = container;
  return {
    Image: image,
    Labels: labels,
    ...(command && { Entrypoint: command }),
    ...(args && { Cmd: args }),
    Env: env.map(({ name, value }) => `${name}=${value}`),
    ...(user !== undefined && { User: user }),
    StopTimeout: container.stopTimeoutSeconds,
    ExposedPorts: Object.fromEntries(ports.map((port) => [portKey(port), {}])),
    HostConfig: {
      PortBindings: portBindings(ports),
      Mounts: container.mounts.map((mount, index) => engineMount(mount, sources[index] ?? '')),
      ...(limits.cpu !== undefined && { NanoCpus: Math.round(limits.cpu * 1e9) }),
      ...(limits.memoryMb !== undefined && memory(limits.memoryMb)),
      PidsLimit: PIDS,
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      SecurityOpt: ['no-new-privileges'],
      Init: false,
      RestartPolicy: { Name: 'no' },
      LogConfig: LOG,
    },
  };
}

/** Without swap on top, so that the limit is what it says. */
function memory(mib: number): { Memory: number; MemorySwap: number } {
  return { Memory: mib * MIB, MemorySwap: mib * MIB };
}

/** Two host ports may lead to one port of the container. */
function portBindings(ports: readonly PortMapping[]): ContainerRequest['HostConfig']['PortBindings'] {
  const bindings: Record<string, { HostPort: string; HostIp?: string }[]> = {};
  for (const port of ports) {
    const binding = { HostPort: String(port.hostPort), ...(port.hostIp !== undefined && { HostIp: port.hostIp }) };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), binding];
  }
  return bindings;
}

function engineMount(mount: Mount, source: string): ContainerRequest['HostConfig']['Mounts'][number] {
  const Type = 'volume' in mount ? 'volume' : 'bind';
  return { Type, Source: source, Target: mount.path, ReadOnly: mount.readOnly };
}

function portKey({ containerPort, protocol }: PortMapping): string {
  return `${containerPort}/${protocol}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
