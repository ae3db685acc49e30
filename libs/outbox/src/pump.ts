import { type Backoff, type Cancel, type Clock, delay } from '@selvage/reconcile';
import { KeyQueues } from './key-queues.js';
import type { Reason, Taken } from './message.js';
import type { Outbox } from './outbox.js';

/**
 * What became of one message. `waits`: it was not tried, and is not to blame. `failed`: it is tried again, after so many failures it is a
 * dead letter. `rejected`: never again.
 */
export type Outcome = { readonly is: 'delivered' | 'waits' } | (Reason & { readonly is: 'failed' | 'rejected' });

/** The destination is not there, or asks to be left alone for a while. */
export class Away extends Error {
  /** Milliseconds that it asks for. */
  readonly retryAfterMs: number;

  constructor(why: string, options: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {}) {
    super(why, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

export interface PumpOptions {
  readonly outbox: Pick<Outbox, 'take' | 'settle' | 'bury' | 'rewind' | 'listen'>;
  readonly clock: Pick<Clock, 'timer'>;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  /** The one lane that it drains. */
  readonly lane: string;
  /**
   * Delivers messages and says what became of each, in their order; it must not deliver a message after it failed an earlier one of
   * the same key. When it rejects, the destination is not there: none of them was delivered, none is to blame; an `Away` says how long
   * nothing is to be tried. It ends soon after its signal is aborted.
   */
  readonly deliver: (batch: readonly Taken[], signal: AbortSignal) => Promise<readonly Outcome[]>;
  /**
   * Waits until a batch is full, or its first message has waited so many milliseconds: for whoever stores many messages as one. Two in
   * flight are the least that fills one while the other is under way.
   */
  readonly gatherMs?: number;
  /** Batches under way at once. */
  readonly inFlight: number;
  readonly batch: { readonly messages: number; readonly bytes: number };
  /**
   * Messages that are held in memory: those under way, and those that wait behind one of their key. They are fewer when they have as many
   * bytes as the batches under way may have.
   */
  readonly held: number;
  /** A message that failed so often is a dead letter. */
  readonly maxTries: number;
  readonly backoff: Backoff;
}

/**
 * Drains one lane of an outbox while it is open: several batches at once, never two of one key. A message that fails waits alone with
 * those of its key; when the destination is away everything rests, and one batch at a time tries whether it is back.
 */
export class Pump {
  readonly #options: PumpOptions;
  #keys = new KeyQueues();
  #flying = 0;
  #failures = 0;
  #resting: Cancel | undefined;
  #gathering: Cancel | undefined;
  /** What has been gathered goes now, full or not. */
  #isDue = false;
  #open: AbortController | undefined;
  #filling = false;
  #again = false;
  #deaf: Cancel | undefined;
  readonly #timers = new Set<Cancel>();

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  open(): void {
    if (this.#open !== undefined) return;
    this.#open = new AbortController();
    const reset = (): void => {
      this.close();
      this.open();
    };
    const ready = (lanes?: ReadonlySet<string>): void => {
      if (lanes === undefined || lanes.has(this.#options.lane)) this.#go();
    };
    this.#deaf = this.#options.outbox.listen({ ready, reset });
    this.#go();
  }

  /** What is under way is aborted; what is not delivered waits in the outbox. */
  close(): void {
    if (this.#open === undefined) return;
    this.#open.abort();
    this.#open = undefined;
    this.#deaf?.();
    this.#resting?.();
    this.#resting = undefined;
    this.#gathered(false);
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#keys = new KeyQueues();
    this.#flying = 0;
    void this.#options.outbox.rewind(this.#options.lane);
  }

  #go(): void {
    this.#again = true;
    if (this.#filling) return;
    this.#filling = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { outbox, lane, held, batch, inFlight } = this.#options;
    while (this.#again) {
      this.#again = false;
      const open = this.#open;
      if (open === undefined) continue;
      this.#launch(open);
      const room = { messages: held - this.#keys.count, bytes: batch.bytes * inFlight - this.#keys.bytes };
      if (room.messages <= 0 || this.#resting !== undefined) continue;
      const taken = await outbox.take(room, lane);
      // When it was closed meanwhile, a rewind stands right behind this in the outbox: it gives them back.
      if (this.#open === open) this.#keys.add(taken);
      if (taken.length > 0) this.#again = true;
    }
    this.#filling = false;
  }

  #launch(open: AbortController): void {
    const { inFlight, batch } = this.#options;
    const most = this.#failures > 0 ? 1 : inFlight;
    while (this.#flying < most && this.#resting === undefined && this.#mayGo()) {
      const next = this.#keys.next(batch);
      if (next.length === 0) return;
      this.#gathered(false);
      this.#flying += 1;
      void this.#deliver(next, open);
    }
  }

  /** Whether there is enough for a batch; when there is only some, it goes after its time. */
  #mayGo(): boolean {
    const { gatherMs, batch, held, clock } = this.#options;
    if (gatherMs === undefined || this.#isDue) return true;
    const { messages, bytes } = this.#keys.free;
    if (messages >= batch.messages || bytes >= batch.bytes || this.#keys.count >= held) return true;
    if (messages > 0)
      this.#gathering ??= clock.timer(gatherMs, () => {
        this.#gathered(true);
        this.#go();
      });
    return false;
  }

  /** Ends what is gathered; the next message begins anew. */
  #gathered(isDue: boolean): void {
    this.#gathering?.();
    this.#gathering = undefined;
    this.#isDue = isDue;
  }

  async #deliver(batch: readonly Taken[], open: AbortController): Promise<void> {
    const outcomes = await this.#outcomes(batch, open.signal);
    if (this.#open !== open) return;
    this.#flying -= 1;
    if (outcomes instanceof Away) this.#away(batch, outcomes.retryAfterMs);
    else this.#came(batch, outcomes);
    this.#go();
  }

  async #outcomes(batch: readonly Taken[], signal: AbortSignal): Promise<readonly Outcome[] | Away> {
    try {
      return await this.#options.deliver(batch, signal);
    } catch (cause) {
      return cause instanceof Away ? cause : new Away(String(cause), { cause });
    }
  }

  #came(batch: readonly Taken[], outcomes: readonly Outcome[]): void {
    const { outbox, maxTries } = this.#options;
    this.#failures = 0;
    const delivered: number[] = [];
    for (const [index, message] of batch.entries()) {
      const outcome = outcomes[index] ?? { is: 'failed', code: 'internal', detail: 'The delivery left it out.' };
      if (outcome.is === 'delivered') delivered.push(message.seq);
      const dead = outcome.is === 'rejected' || (outcome.is === 'failed' && this.#keys.failed(message) >= maxTries);
      if (dead) outbox.bury(message.seq, outcome);
      if (outcome.is === 'delivered' || dead) this.#keys.done(message);
    }
    outbox.settle(delivered);
    for (const { key, tries } of this.#keys.release(batch)) this.#later(key, tries);
  }

  /** A key whose first message failed rests alone. */
  #later(key: string, tries: number): void {
    const { clock, backoff, random = Math.random } = this.#options;
    const keys = this.#keys;
    keys.rest(key);
    const cancel = clock.timer(delay(tries, backoff, random), () => {
      this.#timers.delete(cancel);
      keys.wake(key);
      this.#go();
    });
    this.#timers.add(cancel);
  }

  #away(batch: readonly Taken[], atLeastMs: number): void {
    const { clock, backoff, random = Math.random } = this.#options;
    this.#keys.release(batch);
    this.#gathered(true);
    this.#failures += 1;
    this.#resting?.();
    this.#resting = clock.timer(Math.max(atLeastMs, delay(this.#failures, backoff, random)), () => {
      this.#resting = undefined;
      this.#go();
    });
  }
}
