import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, hostname, networkInterfaces, release, totalmem, type } from 'node:os';
import type { NodeFacts } from '@selvage/protocol';
import { bootTime, imageArch, osName, reachable } from './status.js';

const DOCKER_ROOT = '/var/lib/docker';

export type HostFacts = Omit<NodeFacts, 'gpus' | 'docker' | 'mountAllowList' | 'agentVersion'>;

/** Looks at this machine. `folder` tells which disk counts where Docker has no folder; `now` is epoch milliseconds. */
export async function observeHost({ folder, now }: { folder: string; now: number }): Promise<HostFacts> {
  const processors = cpus();
  return {
    hostname: hostname().slice(0, 255),
    arch: imageArch(arch()),
    os: osName(await text('/etc/os-release')) ?? type(),
    kernel: release().slice(0, 255),
    cpus: Math.max(1, processors.length),
    cpuModel: (named(processors[0]?.model) ?? (await deviceTreeModel())).slice(0, 255),
    memoryBytes: totalmem(),
    ...(await disk(folder)),
    addresses: addresses(),
    bootedAt: bootTime(await text('/proc/stat')) ?? new Date(now).toISOString(),
  };
}

/** Addresses under which others may reach this machine. */
export function addresses(): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, list = []]) =>
    list.map(({ address, internal }) => ({ interface: name, address, internal })),
  );
  return reachable(all);
}

/** Names and addresses under which devices may reach this machine, itself included. */
export function ownNames(): string[] {
  const name = hostname();
  const names = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*$/.test(name) ? [name] : [];
  return [...new Set(['localhost', '127.0.0.1', '::1', ...names, ...addresses()])].slice(0, 32);
}

/** The disk that images and containers fill. */
async function disk(folder: string): Promise<Pick<NodeFacts, 'diskBytes' | 'diskFreeBytes'>> {
  const { bsize, blocks, bavail } = await statfs(DOCKER_ROOT).catch(() => statfs(folder));
  return { diskBytes: bsize * blocks, diskFreeBytes: bsize * bavail };
}

/** Boards say here what they are; many ARM processors have no name of their own. */
async function deviceTreeModel(): Promise<string> {
  return named((await text('/proc/device-tree/model')).replaceAll('\0', '')) ?? 'unknown';
}

function named(text = ''): string | undefined {
  const name = text.trim();
  return name === '' ? undefined : name;
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
