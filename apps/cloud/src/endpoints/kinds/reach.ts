import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { EdgeError } from '@selvage/protocol';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;
type Range = [Address, number];

/** Ranges in which only the hub's own machine, its neighbours or its cloud provider's metadata are. */
const CLOSED = new Set(['loopback', 'linkLocal', 'unspecified', 'broadcast', 'multicast', 'reserved']);
/** Ranges of IPv6 whose last 32 bits are an address of IPv4. */
const EMBEDDING = new Set(['rfc6052', 'rfc6145']);
/** Metadata services that do not have a link-local address. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192']);

/** Finds the addresses of a name. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Which addresses endpoints may have. What a name stands for is looked at when a connection is made, so that no name can change its mind. */
export class Reach {
  private readonly open: readonly Range[];

  /** `allowed`: ranges that the operator opened, `10.0.0.0/8` for instance. */
  constructor(
    allowed: readonly string[],
    private readonly resolve: Resolve = lookup,
  ) {
    this.open = allowed.map((range) => ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${bits(range)}`));
  }

  /** @throws EdgeError `target_refused`. */
  check(address: string): void {
    const parsed = ipaddr.process(address);
    if (this.open.some((range) => parsed.kind() === range[0].kind() && parsed.match(range))) return;
    const within = translated(parsed);
    if (within !== undefined) this.check(within);
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

  /** What a host stands for now. @throws EdgeError `target_refused`, and what the resolver says. */
  addresses(host: string): Promise<string[]> {
    if (ipaddr.isValid(host)) this.check(host);
    return new Promise((resolve, reject) => {
      this.lookup(host, { all: true }, (error, found) => {
        if (error !== null) reject(error);
        else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
      });
    });
  }

  /** Resolves names for sockets, and refuses what they must not reach. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolve(hostname, { ...options, all: true }, (error, addresses) => {
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

/** The IPv4 address that packets to an IPv6 address come out at, behind a translator between the two. */
function translated(address: Address): string | undefined {
  if (!(address instanceof ipaddr.IPv6)) return undefined;
  const { parts } = address;
  const [high, low] =
    address.range() === '6to4' ? parts.slice(1, 3) : EMBEDDING.has(address.range()) ? parts.slice(6) : [];
  if (high === undefined || low === undefined) return undefined;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
