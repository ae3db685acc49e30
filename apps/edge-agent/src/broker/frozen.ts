import type { InnerClient } from './inner.js';

export interface FrozenOptions {
  readonly clients: () => ReadonlySet<InnerClient>;
  readonly frozenMs: () => number;
  readonly cutOff: (client: InnerClient, unread: number) => void;
}

/** Finds clients that have not read a byte of what waits for them for a while. */
export class FrozenWatch {
  readonly #options: FrozenOptions;
  readonly #unread = new Map<InnerClient, { readonly taken: number; readonly since: number }>();

  constructor(options: FrozenOptions) {
    this.#options = options;
  }

  /** Called every second or so, with a monotonic time. */
  look(now: number): void {
    const clients = this.#options.clients();
    for (const client of clients) this.#lookAt(client, now);
    if (this.#unread.size === 0) return;
    for (const client of this.#unread.keys()) if (!clients.has(client)) this.#unread.delete(client);
  }

  #lookAt(client: InnerClient, now: number): void {
    const bytes = client.conn.writableLength;
    const taken = client.written - bytes;
    const before = this.#unread.get(client);
    if (bytes === 0) this.#unread.delete(client);
    else if (before === undefined || taken > before.taken) this.#unread.set(client, { taken, since: now });
    else if (now - before.since >= this.#options.frozenMs()) {
      this.#unread.delete(client);
      this.#options.cutOff(client, bytes);
    }
  }
}
