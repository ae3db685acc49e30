import { isIP } from 'node:net';
import type { NodeFacts } from '@selvage/protocol';

/** A moved clock shifts the moment of the boot; so much of it is no news. */
const BOOT_NOISE_MS = 60_000;

/** An address of an interface, as the kernel lists it. */
export interface Address {
  readonly interface: string;
  readonly address: string;
  readonly internal: boolean;
}

/**
 * The facts to report, given what was reported last: free space and the moment of the boot stay as they were until they moved enough to
 * matter (a twentieth of the disk, or a tenth of the free space).
 */
export function settled(last: NodeFacts | undefined, now: NodeFacts): NodeFacts {
  if (last === undefined) return now;
  return { ...now, diskFreeBytes: freeBytes(last, now), bootedAt: bootedAt(last, now) };
}

function freeBytes(last: NodeFacts, now: NodeFacts): number {
  const moved = Math.abs(now.diskFreeBytes - last.diskFreeBytes);
  const matters = last.diskBytes !== now.diskBytes || moved >= now.diskBytes / 20 || moved >= last.diskFreeBytes / 10;
  return matters ? now.diskFreeBytes : last.diskFreeBytes;
}

function bootedAt(last: NodeFacts, now: NodeFacts): string {
  return Math.abs(Date.parse(now.bootedAt) - Date.parse(last.bootedAt)) < BOOT_NOISE_MS ? last.bootedAt : now.bootedAt;
}

/** Addresses under which others may reach this machine, in order: no loopback, no link-local, none of container networks. */
export function reachable(all: readonly Address[]): string[] {
  const kept = all.filter(
    ({ interface: name, address, internal }) => !internal && !isContainerNetwork(name) && !isLinkLocal(address),
  );
  return [...new Set(kept.map(({ address }) => address))].sort().slice(0, 64);
}

function isContainerNetwork(name: string): boolean {
  return /^(docker|br-|veth|virbr|cni|flannel|podman)/.test(name);
}

function isLinkLocal(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith('169.254.') : /^fe[89ab]/i.test(address);
}

/** An architecture as images name it; unknown ones as Node names them. */
export function imageArch(arch: string): string {
  const names: Readonly<Record<string, string | undefined>> = { x64: 'amd64', ia32: '386', loong64: 'loong64' };
  return names[arch] ?? arch;
}

/** The name that people know of an operating system, out of `os-release`. */
export function osName(release: string): string | undefined {
  const value = /^PRETTY_NAME=(["']?)(.+)\1$/m.exec(release)?.[2]?.trim();
  return value?.slice(0, 255);
}

/** When the kernel started, out of `/proc/stat`. */
export function bootTime(stat: string): string | undefined {
  const seconds = /^btime (\d+)$/m.exec(stat)?.[1];
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000).toISOString();
}
