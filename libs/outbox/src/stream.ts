import type { Cancel, Clock } from '@selvage/reconcile';
import type { Reason, Taken } from './message.js';
import type { Outbox } from './outbox.js';
import { nextWindow, type WindowBounds } from './window.js';

export interface StreamOptions {
  readonly outbox: Pick<Outbox, 'take' | 'settle' | 'bury' | 'rewind' | 'listen'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Bytes on their way. */
  readonly window: WindowBounds;
  /** Most of one batch. */
  readonly batch: { readonly messages: number; readonly bytes: number };
}

/** A batch on its way: `left` of its messages are not settled. */
interface Flight {
  readonly sentAt: number;
  readonly bytes: number;
  left: number;
}

interface Flying {
  readonly seq: number;
  readonly size: number;
  readonly flight: Flight;
}

/**
 * Pumps an outbox into a transport that keeps order by itself and says up to which sequence of a lane it has stored. Batches follow
 * each other without waiting, as many bytes as the window allows; the window grows while the next hop is quick and shrinks when it
 * is slow. What was not settled when the transport went is sent again over the next one.
 */
export class Stream {
  readonly #options: StreamOptions;
  readonly #flying = new Map<string, Flying[]>();
  #window: number;
  #bestMs = Infinity;
  #bytes = 0;
  #send: ((batch: readonly Taken[]) => void) | undefined;
  #filling = false;
  #again = false;
  #deaf: Cancel | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#window = options.window.start;
  }

  /** Bytes that may be on their way now. */
  get window(): number {
    return this.#window;
  }
  get flying(): number {
    return this.#bytes;
  }

  /** The transport is there. `send` must not throw. */
  open(send: (batch: readonly Taken[]) => void): void {
    this.close();
    this.#send = send;
    this.#window = this.#options.window.start;
    this.#bestMs = Infinity;
    const fill = (): void => {
      this.#fill();
    };
    const reset = (): void => {
      this.#forget();
    };
    this.#deaf = this.#options.outbox.listen({ ready: fill, reset });
    this.#fill();
  }

  /** The transport is gone. */
  close(): void {
    if (this.#send === undefined) return;
    this.#send = undefined;
    this.#deaf?.();
    this.#forget();
    void this.#options.outbox.rewind();
  }

  /** The next hop has stored a lane's messages up to this one. */
  settled(lane: string, upTo: number): void {
    const flying = this.#flying.get(lane) ?? [];
    const later = flying.findIndex(({ seq }) => seq > upTo);
    const done = flying.splice(0, later === -1 ? flying.length : later);
    this.#options.outbox.settle(done.map(({ seq }) => seq));
    for (const one of done) this.#landed(one);
    this.#fill();
  }

  /** The next hop will never take this one; the others are not held up. */
  rejected(seq: number, why: Reason): void {
    for (const flying of this.#flying.values()) {
      const at = flying.findIndex((one) => one.seq === seq);
      if (at === -1) continue;
      this.#options.outbox.bury(seq, why);
      for (const one of flying.splice(at, 1)) this.#landed(one);
    }
    this.#fill();
  }

  #landed({ size, flight }: Flying): void {
    this.#bytes -= size;
    flight.left -= 1;
    if (flight.left > 0) return;
    const tookMs = this.#options.clock.monotonic() - flight.sentAt;
    this.#bestMs = Math.min(this.#bestMs, tookMs);
    const landing = { bytes: flight.bytes, tookMs, bestMs: this.#bestMs };
    this.#window = nextWindow(this.#window, landing, this.#options.window);
  }

  #forget(): void {
    this.#flying.clear();
    this.#bytes = 0;
  }

  #fill(): void {
    this.#again = true;
    if (this.#filling) return;
    this.#filling = true;
    void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    const { outbox, batch } = this.#options;
    while (this.#again) {
      this.#again = false;
      const send = this.#send;
      const room = this.#window - this.#bytes;
      if (send === undefined || room <= 0) continue;
      const taken = await outbox.take({ messages: batch.messages, bytes: Math.min(batch.bytes, room) });
      // When the transport went meanwhile, a rewind stands right behind this in the outbox: it gives them back.
      if (this.#send === send && taken.length > 0) this.#launch(taken, send);
      if (taken.length > 0) this.#again = true;
    }
    this.#filling = false;
  }

  #launch(taken: readonly Taken[], send: (batch: readonly Taken[]) => void): void {
    const bytes = taken.reduce((sum, { size }) => sum + size, 0);
    const flight: Flight = { sentAt: this.#options.clock.monotonic(), bytes, left: taken.length };
    for (const { seq, lane, size } of taken) {
      const flying = this.#flying.get(lane);
      if (flying === undefined) this.#flying.set(lane, [{ seq, size, flight }]);
      else flying.push({ seq, size, flight });
      this.#bytes += size;
    }
    send(taken);
  }
}
