import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { EdgeError } from '@selvage/protocol';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;
type Range = [Address, number];

/** Ranges in which only the hub's own machine, its neighbours or its cloud provider's metadata are. */
const CLOSED = new Set(['loopback', 'linkLocal', 'unspecified', 'broadcast', 'multicast', 'reserved']);
/** Metadata services that do not have a link-local address. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192']);

/** Which addresses endpoints may have. What a name stands for is looked at when a connection is made, so that no name can change its mind. */
export class Reach {
  private readonly open: readonly Range[];

  /** `allowed`: ranges that the operator opened, `10.0.0.0/8` for instance. */
  constructor(allowed: readonly string[]) {
    this.open = allowed.map((range) => ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${bits(range)}`));
  }

  /** @throws EdgeError `target_refused`. */
  check(address: string): void {
    const parsed = ipaddr.process(address);
    if (this.open.some((range) => parsed.kind() === range[0].kind() && parsed.match(range))) return;
    if (CLOSED.has(parsed.range()) || METADATA.has(parsed.toString()))
      throw new EdgeError(
        'target_refused',
        `${address} is an address of the hub's own machine or network. Its operator may allow it with SELVAGE_ALLOWED_TARGETS.`,
      );
  }

  /** The same for a host in a URL, as far as it is an address; a name is looked at when it is resolved. */
  checkHost(host: string): void {
    const bare = host.replace(/^\[|\]$/g, '');
    if (ipaddr.isValid(bare)) this.check(bare);
  }

  /** Resolves names for sockets, and refuses what they must not reach. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      try {
        for (const { address } of addresses) this.check(address);
      } catch (refusal) {
        callback(refusal instanceof Error ? refusal : new Error(String(refusal)), '');
        return;
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    });
  };
}

function bits(address: string): number {
  return ipaddr.parse(address).kind() === 'ipv4' ? 32 : 128;
}
