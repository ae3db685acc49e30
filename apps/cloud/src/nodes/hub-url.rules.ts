import { isIPv4, isIPv6 } from 'node:net';

/** Where the TLS port listens, and how this machine is reached from others. */
export interface HubPlace {
  readonly publicUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** The URL that join commands name: the configured one, or else the first address that the TLS port really listens at. */
export function hubUrl({ publicUrl, host, port, addresses }: HubPlace): string {
  if (publicUrl !== undefined) return publicUrl;
  const reached = host === '0.0.0.0' ? addresses.find(isIPv4) : host === '::' ? addresses[0] : host;
  const name = reached ?? '127.0.0.1';
  return `https://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}
