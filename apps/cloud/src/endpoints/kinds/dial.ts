import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Reach } from './reach.js';

export interface Dialled {
  /** IPv6 addresses with or without brackets. */
  readonly host: string;
  readonly port: number;
  /** For TLS, with what is trusted and shown. */
  readonly tls?: ConnectionOptions | undefined;
}

/**
 * A socket that connects to where endpoints may be.
 * @throws EdgeError `target_refused` for an address that they may not have; a name with such an address ends the socket with that error.
 */
export function dial(reach: Reach, { host: written, port, tls }: Dialled): Socket {
  const host = bareHost(written);
  reach.checkHost(host);
  const to = { host, port, lookup: reach.lookup };
  if (tls === undefined) return connect(to);
  return connectTls({ ...to, ...(isIP(host) === 0 && { servername: host }), minVersion: 'TLSv1.2', ...tls });
}

export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** Splits `host:port`. */
export function hostPort(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':');
  return { host: bareHost(text.slice(0, at)), port: Number(text.slice(at + 1)) };
}

/** What is trusted when an endpoint has a `ca`: that, and nothing else. */
export function trust(ca: string | undefined): { readonly ca?: string } {
  return ca === undefined ? {} : { ca };
}
