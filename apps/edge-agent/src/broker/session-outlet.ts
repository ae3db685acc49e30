import type { BrokerLimits } from '@selvage/protocol';
import type { InnerClient } from './inner.js';
import type { Outgoing, Outlet, Session } from './session.js';

export interface SessionOutletOptions {
  readonly client: InnerClient;
  readonly session: Session;
  readonly limits: () => BrokerLimits;
  /** Writes down that a message got its packet id. */
  readonly note: (message: Outgoing) => Promise<void>;
  /** Sends a message, or the PUBREL that it stands for. */
  readonly send: (message: Outgoing) => void;
}

/**
 * Sends the queue of a session to its client, first what was under way when it left, in the order of the queue: what is published
 * meanwhile comes at the end of the queue and overtakes nothing. A message is sent when the disk has it with its packet id; so
 * many are under way at once as the limit says, and a client that reads slowly is waited for.
 */
export class SessionOutlet implements Outlet {
  readonly #options: SessionOutletOptions;
  /** What has a packet id and is to be sent, in order. */
  readonly #ready = new Set<Outgoing>();
  #draining = false;

  constructor(options: SessionOutletOptions) {
    this.#options = options;
  }

  begin(): void {
    for (const message of this.#options.session.queue) if (message.messageId !== undefined) this.#ready.add(message);
    this.wake();
  }

  offer(message: Outgoing): void {
    const { session } = this.#options;
    if (session.unsent.size > 1 || !this.#isOpen()) return;
    session.number(message);
    this.#ready.add(message);
  }

  wake(): void {
    if (!this.#isConnected()) return;
    this.#number();
    this.#flush();
  }

  cut(): void {
    this.#options.client.conn.destroy();
  }

  /** Gives packet ids as far as the window goes. */
  #number(): void {
    const { session, note } = this.#options;
    for (const message of session.unsent) {
      if (!this.#isOpen()) return;
      session.number(message);
      this.#ready.add(message);
      void note(message).then(
        () => {
          this.wake();
        },
        // It cannot be sent before the disk works again; its client comes back for it.
        () => this.#options.client.conn.destroy(),
      );
    }
  }

  #flush(): void {
    const { client, limits, send } = this.#options;
    for (const message of this.#ready) {
      if (!message.gone && message.unwritten > 0) return;
      if (client.conn.writableLength > limits().unreadBytes) {
        this.#whenDrained();
        return;
      }
      this.#ready.delete(message);
      if (message.gone) continue;
      send(message);
      message.sent = true;
    }
  }

  #whenDrained(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#options.client.conn.once('drain', () => {
      this.#draining = false;
      this.wake();
    });
  }

  #isOpen(): boolean {
    const { session, limits } = this.#options;
    return this.#isConnected() && session.inFlight < limits().inflight;
  }

  #isConnected(): boolean {
    const { closed, conn } = this.#options.client;
    return !closed && !conn.destroyed;
  }
}
