import type { Clock } from '@selvage/reconcile';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Gate } from './gate.js';
import type { Peer } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';
import { Listener, type ListenerShown } from './listener.js';
import { type TlsCredentials, TlsDoor } from './tls-door.js';
import { WebSocketDoor } from './ws-door.js';

/** Where a TLS listener is, and whether its clients need a certificate. */
export interface TlsListenerConfig extends TlsCredentials {
  readonly host: string;
  readonly port: number;
  readonly clientCertificates: 'required' | 'optional' | 'none';
}

/** Where the broker listens; a listener that is not named is closed. */
export interface ListenersConfig {
  readonly tls?: TlsListenerConfig;
  readonly webSocket?: TlsListenerConfig;
  /** Without TLS, and therefore on this machine only. */
  readonly plain?: { readonly host: '127.0.0.1' | '::1'; readonly port: number };
}

export interface ListenersOptions {
  readonly gate: Gate;
  readonly limits: () => BrokerLimits;
  readonly clock: Pick<Clock, 'timer'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly attach: (stream: Duplex, peer: Peer) => void;
}

interface Open {
  /** What it was opened with, but for the certificate, which changes while it is open. */
  readonly at: string;
  readonly listener: Listener;
  readonly door?: TlsDoor;
}

/** The broker's listeners, brought in line with a configuration at any time; connections outlive their listener. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #open = new Map<Peer['listener'], Open>();

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** Opens, closes and changes listeners. One whose port is taken does not fail it: it is tried again, and shown. */
  async set({ tls, webSocket, plain }: ListenersConfig): Promise<void> {
    await this.#bring('tls', tls, (config) => this.#tls(config));
    await this.#bring('webSocket', webSocket, (config) => this.#webSocket(config));
    await this.#bring('plain', plain, (config) => this.#plain(config));
  }

  async stop(): Promise<void> {
    await this.set({});
    this.#options.gate.closeAll();
  }

  get shown(): ListenerShown[] {
    return [...this.#open.values()].map(({ listener }) => listener.shown);
  }

  async #bring<C extends { readonly host: string; readonly port: number }>(
    kind: Peer['listener'],
    config: C | undefined,
    make: (config: C) => Omit<Open, 'at'>,
  ): Promise<void> {
    const before = this.#open.get(kind);
    const at = config === undefined ? '' : placeOf(config);
    if (before?.at === at) {
      if (config !== undefined && 'key' in config) before.door?.use(config as C & TlsCredentials);
      return;
    }
    await before?.listener.stop();
    this.#open.delete(kind);
    if (config === undefined) return;
    const open = { at, ...make(config) };
    this.#open.set(kind, open);
    await open.listener.start();
  }

  #tls(config: TlsListenerConfig): Omit<Open, 'at'> {
    const door = new TlsDoor({
      ...config,
      opened: (socket, certificate) => {
        this.#options.attach(socket, { listener: 'tls', address: socket.remoteAddress, certificate });
      },
    });
    const listener = new Listener({
      ...{ kind: 'tls', host: config.host, port: config.port, ...this.#options },
      meet: (socket) => {
        door.meet(socket);
      },
    });
    return { listener, door };
  }

  #webSocket(config: TlsListenerConfig): Omit<Open, 'at'> {
    const peers = new WeakMap<Duplex, Peer>();
    const inside = new WebSocketDoor({
      maxPayload: () => this.#options.limits().packetBytes,
      opened: (stream, socket) => {
        this.#options.attach(stream, peers.get(socket) ?? { listener: 'webSocket' });
      },
    });
    const door = new TlsDoor({
      ...config,
      opened: (socket, certificate) => {
        peers.set(socket, { listener: 'webSocket', address: socket.remoteAddress, certificate });
        inside.meet(socket);
      },
    });
    const listener = new Listener({
      ...{ kind: 'webSocket', host: config.host, port: config.port, ...this.#options },
      meet: (socket) => {
        door.meet(socket);
      },
    });
    return { listener, door };
  }

  #plain({ host, port }: { readonly host: string; readonly port: number }): Omit<Open, 'at'> {
    const listener = new Listener({
      ...{ kind: 'plain', host, port, ...this.#options },
      meet: (socket) => {
        this.#options.attach(socket, { listener: 'plain', address: socket.remoteAddress });
      },
    });
    return { listener };
  }
}

/** All of a listener that cannot change while it is open. */
function placeOf({ host, port, ...rest }: { readonly host: string; readonly port: number }): string {
  const certificates = 'clientCertificates' in rest ? String(rest.clientCertificates) : '';
  return `${host} ${port} ${certificates}`;
}
