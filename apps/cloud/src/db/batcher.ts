import { EdgeError } from '@selvage/protocol';

/** What becomes of one item of a batch: its result, or the error that only its caller gets. */
export type Outcome<O> = { readonly ok: O } | { readonly error: Error };

/** `size`: most items of one batch. `waiting`: most items that wait; one more is refused as `overloaded`. */
export interface BatchLimits {
  readonly size: number;
  readonly waiting: number;
}

interface Waiter<I, O> {
  readonly item: I;
  resolve(result: O): void;
  reject(error: unknown): void;
}

/**
 * Does for many callers at once what each asks for alone: what arrives while a batch is under way becomes the next batch, so
 * that queries per caller shrink as load grows and a lone caller never waits for company.
 */
export class Batcher<I, O> {
  private waiting: Waiter<I, O>[] = [];
  private busy = false;

  /** `work` returns one outcome per item, in the order of the items; if it throws, every caller of the batch gets the error. */
  constructor(
    private readonly work: (items: readonly I[]) => Promise<readonly Outcome<O>[]>,
    private readonly limits: BatchLimits,
  ) {}

  /** @throws EdgeError `overloaded` when too many wait, and whatever `work` answers for this item. */
  run(item: I): Promise<O> {
    if (this.waiting.length >= this.limits.waiting)
      return Promise.reject(new EdgeError('overloaded', `${this.waiting.length} requests wait already.`));
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.busy) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.busy = true;
    // One turn of the event loop, so that callers of the same moment share the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.workOn(this.waiting.splice(0, this.limits.size));
    this.busy = false;
  }

  private async workOn(batch: readonly Waiter<I, O>[]): Promise<void> {
    try {
      const outcomes = await this.work(batch.map(({ item }) => item));
      for (const [index, waiter] of batch.entries()) settle(waiter, outcomes[index]);
    } catch (error) {
      for (const waiter of batch) waiter.reject(error);
    }
  }
}

function settle<I, O>(waiter: Waiter<I, O>, outcome: Outcome<O> | undefined): void {
  if (outcome === undefined) waiter.reject(new EdgeError('internal', 'A batch left one of its items out.'));
  else if ('ok' in outcome) waiter.resolve(outcome.ok);
  else waiter.reject(outcome.error);
}
