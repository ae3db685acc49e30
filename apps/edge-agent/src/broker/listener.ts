import type { Cancel, Clock } from '@selvage/reconcile';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Gate } from './gate.js';
import type { Peer } from './inner.js';

/** Where a listener is, and what is wrong with it. */
export interface ListenerShown {
  readonly kind: Peer['listener'];
  readonly host: string;
  /** The port that it has, which is another one than it was told when that is 0. */
  readonly port: number;
  readonly listening: boolean;
  readonly problem?: string;
}

export interface ListenerOptions {
  readonly kind: Peer['listener'];
  readonly host: string;
  readonly port: number;
  readonly gate: Gate;
  readonly clock: Pick<Clock, 'timer'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** What is done with a connection. */
  readonly meet: (socket: Socket) => void;
}

const RETRY_MS = 2_000;
const TCP_KEEPALIVE_MS = 60_000;

/** Listens at one port, and tries again for as long as somebody else has it. */
export class Listener {
  readonly #options: ListenerOptions;
  #server: Server | undefined;
  #retry: Cancel | undefined;
  #stopped = true;
  #problem: string | undefined = 'it was not started';

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Resolves when it listens, or when it is known why it does not yet. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#listen();
  }

  /** Takes no more connections; those that are there go on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.();
    const server = this.#server;
    this.#server = undefined;
    // Its end comes when the last connection is gone, which is not waited for.
    server?.close();
    await Promise.resolve();
  }

  get shown(): ListenerShown {
    const { kind, host, port } = this.#options;
    const address = this.#server?.address();
    const listening = typeof address === 'object' && address !== null;
    const problem = this.#problem;
    return {
      ...{ kind, host, port: listening ? address.port : port, listening },
      ...(problem !== undefined && { problem }),
    };
  }

  async #listen(): Promise<void> {
    const { kind, host, port, log, clock } = this.#options;
    // Nagle would hold back small packets; dead peers are found even without a keep alive of MQTT.
    const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
    const server = createServer(tcp, (socket) => {
      this.#meet(socket);
    });
    this.#server = server;
    const error = await listening(server, { host, port });
    if (error === undefined) {
      log.info({ listener: kind, host, port: this.shown.port }, 'the broker listens');
      this.#problem = undefined;
    } else if (!this.#stopped) {
      const problem = problemOf(error, { host, port });
      if (problem !== this.#problem)
        log.warn({ listener: kind, reason: problem }, 'the broker cannot listen; it is tried again');
      this.#problem = problem;
      this.#retry = clock.timer(RETRY_MS, () => {
        if (!this.#stopped) void this.#listen();
      });
    }
  }

  #meet(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#options.gate.admits(socket)) this.#options.meet(socket);
    else socket.destroy();
  }
}

function listening(server: Server, at: { host: string; port: number }): Promise<Error | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ ...at, backlog: 1_024 }, () => {
      // Nothing is lost with a connection that could not be accepted.
      server.off('error', resolve).on('error', () => undefined);
      resolve(undefined);
    });
  });
}

function problemOf(error: Error, { host, port }: { host: string; port: number }): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'EADDRINUSE')
    return `Another program listens at ${host}:${port}: end it, or give the broker another port.`;
  if (code === 'EACCES') return `The agent may not listen at port ${port}: give the broker one above 1023.`;
  if (code === 'EADDRNOTAVAIL') return `This machine has no address ${host}.`;
  return error.message;
}
