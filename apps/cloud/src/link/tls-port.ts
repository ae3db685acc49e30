import { Inject, Injectable } from '@nestjs/common';
import { CA_PATH, EdgeError, frames } from '@selvage/protocol';
import { constants } from 'node:crypto';
import type { ShownCertificate } from '@selvage/pki';
import { systemClock } from '@selvage/reconcile';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { LOG, type Logger } from '../log/index.js';
import { Arrivals, peerOf } from './arrivals.js';
import { hearBeginning } from './beginning.js';
import type { Beginning } from './client-hello.js';
import { Gateway } from './gateway.js';
import { Enrolment, type PortHandler } from './enrolment.js';

export type { PortHandler, PortRequest } from './enrolment.js';

/** What the TLS port shows and trusts, PEM: its private key, its chain (leaf first), and the roots that clients must come from. */
export interface ServerCredentials {
  readonly key: string;
  readonly chain: string;
  readonly roots: string;
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
/** Agents resume no session, and a ticket carries the whole client certificate: 14 KiB for each link. */
const NO_TICKETS = constants.SSL_OP_NO_TICKET;
const HANDSHAKE_MS = 30_000;
/** A request has come by then, its body included: the largest has 64 KiB. It is looked at that often, and a connection has but one. */
const REQUESTS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 8 * 1024,
} as const;
/** Of connections that have not finished their TLS handshake. An agent for which there is no place comes back. */
const ARRIVING = { most: 1_000, patienceMs: 5_000 };
/** Of those that have, and whose request or hello has not come. */
const ASKING = { most: 4_000, patienceMs: 5_000 };

/** The hub's port 8443: the link, enrolment, and the root certificate in clear text. The first bytes of a connection say which it is. */
@Injectable()
export class TlsPort {
  private readonly link: HttpsServer;
  private readonly enrolment: HttpsServer;
  private readonly clear: HttpServer;
  private readonly door: Server;
  private readonly handlers: Enrolment;
  private readonly sockets = new Set<Socket>();
  private readonly arrivals = new Arrivals(ARRIVING);
  private readonly asking = new Arrivals(ASKING);
  private roots = '';

  constructor(
    private readonly gateway: Gateway,
    @Inject(LOG) private readonly log: Logger,
  ) {
    const tls = { minVersion: 'TLSv1.2', ciphers: CIPHERS, handshakeTimeout: HANDSHAKE_MS } as const;
    const mutual = { requestCert: true, rejectUnauthorized: true, ALPNProtocols: [frames.LINK_ALPN] } as const;
    this.handlers = new Enrolment(log);
    this.link = createHttpsServer({ ...tls, ...REQUESTS, ...mutual });
    this.enrolment = createHttpsServer({ ...tls, ...REQUESTS }, (request, answer) => {
      request.once('end', () => {
        this.asking.leave(peerOf(request.socket));
      });
      void this.handlers.answer(request, answer);
    });
    this.clear = createHttpServer(REQUESTS, ({ method, url, socket }, answer) => {
      this.asking.leave(peerOf(socket));
      const known = method === 'GET' && url === CA_PATH;
      answer.writeHead(known ? 200 : 404, { 'content-type': 'application/x-pem-file', connection: 'close' });
      answer.end(known ? this.roots : '');
    });
    for (const server of [this.link, this.enrolment, this.clear]) server.maxRequestsPerSocket = 1;
    this.door = createServer((socket) => {
      this.meet(socket);
    });
  }

  /** Adds a `POST` endpoint, `/join` for instance. */
  post(path: string, handler: PortHandler): void {
    this.handlers.add(path, handler);
  }

  /** Sets what is shown and trusted; at any time, for connections from then on. */
  use({ key, chain, roots }: ServerCredentials): void {
    this.roots = roots;
    const common = { key, cert: chain, minVersion: 'TLSv1.2', ciphers: CIPHERS, secureOptions: NO_TICKETS } as const;
    this.link.setSecureContext({ ...common, ca: roots });
    this.enrolment.setSecureContext(common);
  }

  /** Listens; gives the port. `use` comes first. */
  async start(at: { readonly host: string; readonly port: number }): Promise<number> {
    if (this.roots === '') throw new EdgeError('internal', 'the TLS port has no certificate');
    this.acceptLinks();
    await new Promise<void>((resolve, reject) => {
      this.door.once('error', reject);
      this.door.listen({ ...at, backlog: 4096 }, () => {
        this.door.off('error', reject);
        resolve();
      });
    });
    const address = this.door.address();
    return typeof address === 'object' && address !== null ? address.port : at.port;
  }

  /** Connections of which it is not known yet what they want. */
  get waiting(): number {
    return this.arrivals.count + this.asking.count;
  }

  get listening(): boolean {
    return this.door.listening;
  }

  /** Closes everything; agents come back by themselves. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.door.listening) await new Promise((resolve) => this.door.close(resolve));
  }

  private acceptLinks(): void {
    const options = {
      noServer: true,
      maxPayload: frames.MAX_FRAME_UP,
      perMessageDeflate: false,
      clientTracking: false,
    };
    const sockets = new WebSocketServer(options);
    this.link.on('upgrade', (request, socket, head) => {
      const tls = socket instanceof TLSSocket ? socket : undefined;
      const certificate = tls && shownBy(tls);
      if (request.url !== frames.LINK_PATH || certificate === undefined) socket.destroy();
      else
        sockets.handleUpgrade(request, socket, head, (ws) => {
          ws.once('message', () => {
            if (tls) this.asking.leave(peerOf(tls));
          });
          this.gateway.accept(ws, certificate);
        });
    });
    this.link.on('request', (_request, answer) => {
      answer.writeHead(426, { connection: 'close' }).end();
    });
    for (const server of [this.link, this.enrolment]) {
      server.on('secureConnection', (socket) => {
        this.arrivals.leave(peerOf(socket));
        if (!this.asking.enterBusy(socket, systemClock.monotonic())) socket.destroy();
      });
      server.on('tlsClientError', ({ message }) => {
        this.log.debug({ reason: message }, 'a TLS handshake failed');
      });
    }
  }

  private meet(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!this.arrivals.enter(socket, systemClock.monotonic())) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.arrivals.leave(peer);
      this.asking.leave(peer);
    });
    hearBeginning(socket, (beginning) => {
      this.show(socket, this.serverFor(beginning));
    });
  }

  private show(socket: Socket, server: HttpServer | HttpsServer | undefined): void {
    const now = systemClock.monotonic();
    if (server === this.clear) this.arrivals.leave(peerOf(socket));
    else this.arrivals.spoke(socket, now);
    if (server === undefined || (server === this.clear && !this.asking.enterBusy(socket, now))) {
      socket.destroy();
      return;
    }
    server.emit('connection', socket);
    if (server === this.clear) socket.resume();
  }

  private serverFor(seen: Beginning): HttpServer | HttpsServer | undefined {
    if (seen.kind === 'clear') return this.clear;
    if (seen.kind !== 'tls') return undefined;
    return seen.alpn.includes(frames.LINK_ALPN) ? this.link : this.enrolment;
  }
}

/** The certificate that a peer showed. `getPeerX509Certificate` would decode the whole chain once more: half a millisecond a link. */
function shownBy(socket: TLSSocket): ShownCertificate | undefined {
  const { serialNumber, subjectaltname: subjectAltName, raw } = socket.getPeerCertificate(false);
  return Buffer.isBuffer(raw) ? { serialNumber, subjectAltName, raw } : undefined;
}
