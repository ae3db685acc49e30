import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';

/** What a TLS listener shows and trusts, PEM. */
export interface TlsCredentials {
  readonly key: string;
  readonly chain: string;
  /** Roots that clients' certificates must come from. */
  readonly ca: string;
}

export interface TlsDoorOptions extends TlsCredentials {
  readonly clientCertificates: 'required' | 'optional' | 'none';
  readonly opened: (socket: TLSSocket, certificate: X509Certificate | undefined) => void;
}

/** AEAD suites only; those of TLS 1.3 are all. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':');
const HANDSHAKE_MS = 10_000;

/**
 * Turns connections into TLS connections. A certificate that a client shows is verified whether it is required or not: one that does
 * not come from our authority, or is out of date, ends the connection.
 */
export class TlsDoor {
  readonly #server: Server;

  constructor({ key, chain, ca, clientCertificates, opened }: TlsDoorOptions) {
    const context = { key, cert: chain, ca, minVersion: 'TLSv1.2', ciphers: CIPHERS } as const;
    const isRequired = clientCertificates === 'required';
    // A browser that is asked for a certificate gives up a WebSocket.
    const requestCert = clientCertificates !== 'none';
    const asked = { requestCert, rejectUnauthorized: isRequired, handshakeTimeout: HANDSHAKE_MS };
    this.#server = createServer({ ...context, ...asked }, (socket) => {
      const certificate = socket.getPeerX509Certificate();
      if (socket.authorized || (certificate === undefined && !isRequired)) opened(socket, certificate);
      else socket.destroy();
    });
    this.#server.on('tlsClientError', (_error, socket) => {
      socket.destroy();
    });
  }

  meet(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** From now on this is shown and trusted. */
  use({ key, chain, ca }: TlsCredentials): void {
    this.#server.setSecureContext({ key, cert: chain, ca, minVersion: 'TLSv1.2', ciphers: CIPHERS });
  }
}
