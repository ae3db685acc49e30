/** A connection as this file needs it. */
export interface Arriving {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
}

export interface ArrivalLimits {
  /** Most that are on their way in at once. */
  readonly most: number;
  /** One that needs longer than so many milliseconds makes room for another. */
  readonly patienceMs: number;
}

interface Arrival {
  readonly socket: Arriving;
  readonly address: string;
  readonly at: number;
}

/**
 * Connections on their way in, oldest first: a bounded number of them, so that a whole fleet which comes at once is not late all of it.
 * There is no limit for an address, since many nodes may share one. When it is full, a new one takes the place of one that most likely
 * wants nothing: of the oldest that has said nothing yet, of one that needs very long, or of one of an address that has half of all.
 */
export class Arrivals {
  private readonly silent = new Map<string, Arrival>();
  private readonly busy = new Map<string, Arrival>();

  constructor(private readonly limits: ArrivalLimits) {}

  get count(): number {
    return this.silent.size + this.busy.size;
  }

  /** Lets one in that has not said anything yet; whether there was a place. `now` is monotonic, milliseconds. */
  enter(socket: Arriving, now: number): boolean {
    return this.place(socket, now, this.silent);
  }

  /** The same for one that has said what it wants. */
  enterBusy(socket: Arriving, now: number): boolean {
    return this.place(socket, now, this.busy);
  }

  /** It has said what it wants. */
  spoke(socket: Arriving, now: number): void {
    const peer = peerOf(socket);
    const arrival = this.silent.get(peer);
    if (arrival === undefined) return;
    this.silent.delete(peer);
    this.busy.set(peer, { ...arrival, at: now });
  }

  /** It is in, or gone. */
  leave(peer: string): void {
    this.silent.delete(peer);
    this.busy.delete(peer);
  }

  private place(socket: Arriving, now: number, among: Map<string, Arrival>): boolean {
    const { remoteAddress: address, remotePort } = socket;
    if (address === undefined || remotePort === undefined) return false;
    if (this.count >= this.limits.most && !this.makeRoom(address, now)) return false;
    among.set(peerOf(socket), { socket, address, at: now });
    return true;
  }

  private makeRoom(address: string, now: number): boolean {
    const [oldestSilent] = this.silent.values();
    const [oldestBusy] = this.busy.values();
    const late = oldestBusy !== undefined && now - oldestBusy.at > this.limits.patienceMs ? oldestBusy : undefined;
    const dropped = oldestSilent ?? late ?? this.oldestOfCrowd(address);
    if (dropped === undefined) return false;
    this.leave(peerOf(dropped.socket));
    dropped.socket.destroy();
    return true;
  }

  /** The oldest of another address that has half of all places. */
  private oldestOfCrowd(newcomer: string): Arrival | undefined {
    const crowds = new Map<string, { readonly oldest: Arrival; count: number }>();
    for (const arrival of this.busy.values()) {
      const crowd = crowds.get(arrival.address);
      if (crowd === undefined) crowds.set(arrival.address, { oldest: arrival, count: 1 });
      else if (++crowd.count >= this.limits.most / 2 && arrival.address !== newcomer) return crowd.oldest;
    }
    return undefined;
  }
}

/** What names a connection for as long as it lasts, also inside TLS. */
export function peerOf({ remoteAddress, remotePort }: Arriving): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
