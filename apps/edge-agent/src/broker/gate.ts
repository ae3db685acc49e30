import type { Clock } from '@selvage/reconcile';
import type { Socket } from 'node:net';
import type { Counters } from './counters.js';
import type { BrokerLimits } from '@selvage/protocol';

export interface GateOptions {
  readonly limits: () => BrokerLimits;
  readonly counters: Counters;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Connections beyond those of clients: of some it is not known yet what they are. */
const SLACK = 256;

/** Lets connections in before anything is spent on them: so many at once, so many in a second. */
export class Gate {
  readonly #options: GateOptions;
  readonly #sockets = new Set<Socket>();
  #tokens: { left: number; at: number };

  constructor(options: GateOptions) {
    this.#options = options;
    this.#tokens = { left: options.limits().connectsPerSecond, at: options.clock.monotonic() };
  }

  /** Whether a connection may stay; it counts until it closes. */
  admits(socket: Socket): boolean {
    const { counters, limits } = this.#options;
    if (this.#sockets.size >= limits().connections + SLACK) counters.add('too_many_connections');
    else if (!this.#takeToken()) counters.add('connect_rate');
    else {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      return true;
    }
    return false;
  }

  get open(): number {
    return this.#sockets.size;
  }

  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #takeToken(): boolean {
    const { connectsPerSecond } = this.#options.limits();
    const now = this.#options.clock.monotonic();
    const left = Math.min(connectsPerSecond, this.#tokens.left + ((now - this.#tokens.at) / 1000) * connectsPerSecond);
    this.#tokens = { left: left >= 1 ? left - 1 : left, at: now };
    return left >= 1;
  }
}
