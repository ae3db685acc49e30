import { isIPv6, SocketAddress } from 'node:net';
import { type AppSpec, EdgeError, type PortMapping } from '@selvage/protocol';

/** A host port that an app publishes on each node it is placed on; without `hostIp` on all addresses. */
export interface PortUse {
  readonly app: string;
  readonly hostPort: number;
  readonly protocol: PortMapping['protocol'];
  readonly hostIp: string | undefined;
}

const EVERY_ADDRESS = new Set(['0.0.0.0', '::']);

/** Every host port of an app, addresses in one spelling. */
export function portsOf(app: string, spec: Pick<AppSpec, 'containers'>): PortUse[] {
  return spec.containers.flatMap(({ ports }) =>
    ports.map(({ hostPort, protocol, hostIp }) => ({ app, hostPort, protocol, hostIp: oneSpelling(hostIp) })),
  );
}

/** Whether two uses cannot live on one node: same port and protocol, and addresses that are equal or cover each other. */
export function clash(a: PortUse, b: PortUse): boolean {
  return a.hostPort === b.hostPort && a.protocol === b.protocol && addressesMeet(a.hostIp, b.hostIp);
}

/** Pairs that clash, ours first. */
export function clashes(ours: readonly PortUse[], others: readonly PortUse[]): [ours: PortUse, other: PortUse][] {
  return ours.flatMap((use) =>
    others.filter((other) => clash(use, other)).map((other): [PortUse, PortUse] => [use, other]),
  );
}

/** The refusal, naming port, other app and node. */
export function portConflict(use: PortUse, other: string, node: string): EdgeError {
  const where = use.hostIp === undefined ? '' : `${isIPv6(use.hostIp) ? `[${use.hostIp}]` : use.hostIp}:`;
  return new EdgeError(
    'port_conflict',
    `Host port ${where}${use.hostPort}/${use.protocol} is used by app "${other}" on node "${node}".`,
  );
}

function addressesMeet(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || EVERY_ADDRESS.has(a) || EVERY_ADDRESS.has(b) || a === b;
}

function oneSpelling(address: string | undefined): string | undefined {
  if (address === undefined || !isIPv6(address)) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
