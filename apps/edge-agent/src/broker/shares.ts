import type { Outgoing, Session } from './session.js';

/** What one identity has of the room for sessions: however many client ids a device uses, it is one. */
export class Share {
  readonly sessions = new Map<string, Session>();
  /** Its messages that have no packet id yet, in the order in which they were published. */
  readonly unsent = new Map<Outgoing, Session>();
  #bytes = 0;

  constructor(private readonly grown: (by: number) => void) {}

  /** Bytes that wait in all its sessions. */
  get bytes(): number {
    return this.#bytes;
  }

  grow(by: number): void {
    this.#bytes += by;
    this.grown(by);
  }

  /** The session whose client was away longest; undefined when all are connected. */
  get longestAway(): Session | undefined {
    let oldest: Session | undefined;
    for (const session of this.sessions.values())
      if (session.outlet === undefined && (oldest === undefined || session.seenAt < oldest.seenAt)) oldest = session;
    return oldest;
  }

  /** The session in which most waits; undefined when nothing does. */
  get fullest(): Session | undefined {
    let fullest: Session | undefined;
    for (const session of this.sessions.values()) if (session.bytes > (fullest?.bytes ?? 0)) fullest = session;
    return fullest;
  }
}

/** The shares of all identities that have a session. */
export class Shares {
  readonly #shares = new Map<string, Share>();
  #bytes = 0;

  get count(): number {
    return this.#shares.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(owner: string): Share | undefined {
    return this.#shares.get(owner);
  }

  of(owner: string): Share {
    const known = this.#shares.get(owner);
    if (known !== undefined) return known;
    const fresh = new Share((by) => {
      this.#bytes += by;
    });
    this.#shares.set(owner, fresh);
    return fresh;
  }

  forget(owner: string): void {
    if (this.#shares.get(owner)?.sessions.size === 0) this.#shares.delete(owner);
  }

  /** The one that has most, as a measure says; undefined when none has anything. */
  most(measure: (share: Share) => number): Share | undefined {
    let most: Share | undefined;
    let highest = 0;
    for (const share of this.#shares.values()) {
      const height = measure(share);
      if (height > highest) [most, highest] = [share, height];
    }
    return most;
  }
}
