import { Inject, Injectable } from '@nestjs/common';
import { type Cancel, type Clock, systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import { LOG, type Logger } from '../log/index.js';
import { Database } from './database.js';
import { Settings } from './settings.entity.js';

const EVERY_MS = 3_600_000;
const BATCH = 1000;

/** Records that a slice keeps for a while only. `Key`: what names one of them. */
export interface Forgetting<Key> {
  /** For the log: `old events of twins`. */
  readonly what: string;
  /** At most `limit` of those to be forgotten at a time, epoch milliseconds; none when all are gone. */
  readonly find: (now: number, limit: number) => Promise<Key[]>;
  readonly remove: (tx: EntityManager, keys: readonly Key[]) => Promise<unknown>;
}

/** The readings of both clocks at a moment. */
interface Time {
  readonly now: number;
  readonly monotonic: number;
}

/** How far the time of forgetting comes when `elapsed` milliseconds have passed since it was `last`, all by a clock that never jumps. */
export function retentionTime({ last, elapsed }: { last: number; elapsed: number }, now: number): number {
  return Math.min(now, last + 2 * elapsed);
}

/**
 * Forgets old records: every hour, a batch at a time. What is old is not left to the wall clock alone: a clock set wrong by years for one
 * start would cost everything that is kept for less. So the time of forgetting goes on at most twice as fast as time passes.
 */
@Injectable()
export class Retention {
  private readonly tasks: { readonly what: string; readonly run: (now: number) => Promise<number> }[] = [];
  private cancel: Cancel | undefined;
  private going: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly clock: Clock = systemClock;
  private lastRun = this.clock.monotonic();

  constructor(
    private readonly db: Database,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** A slice registers what it forgets; the order is kept. */
  add<Key>(records: Forgetting<Key>): void {
    this.tasks.push({ what: records.what, run: (now) => this.inBatches(records, now) });
  }

  start(): void {
    this.cancel = this.clock.timer(EVERY_MS, () => {
      this.going = this.logged().then(() => {
        if (!this.stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel?.();
    await this.going;
  }

  /** Forgets all that is to be forgotten now; gives how many records of each kind. */
  async run({ now, monotonic }: Time = timeOf(this.clock)): Promise<Map<string, number>> {
    const time = await this.time(now, monotonic);
    const forgotten = new Map<string, number>();
    for (const { what, run } of this.tasks) forgotten.set(what, await run(time));
    return forgotten;
  }

  private time(now: number, at: number): Promise<number> {
    return this.db.write(async (tx) => {
      const kept = (await tx.findOneByOrFail(Settings, { id: 1 })).retentionTime;
      const last = kept === null ? now : Date.parse(kept);
      const time = retentionTime({ last, elapsed: at - this.lastRun }, now);
      await tx.update(Settings, { id: 1 }, { retentionTime: new Date(time).toISOString() });
      this.lastRun = at;
      return time;
    });
  }

  private async inBatches<Key>({ find, remove }: Forgetting<Key>, now: number): Promise<number> {
    for (let count = 0; ;) {
      const keys = this.stopped ? [] : await find(now, BATCH);
      if (keys.length > 0) await this.db.write((tx) => remove(tx, keys));
      count += keys.length;
      if (keys.length < BATCH) return count;
    }
  }

  private async logged(): Promise<void> {
    try {
      for (const [what, count] of await this.run()) if (count > 0) this.log.info({ count }, `${what} forgotten`);
    } catch (error) {
      this.log.error({ err: error }, 'old records not forgotten');
    }
  }
}

function timeOf(clock: Clock): Time {
  return { now: clock.now(), monotonic: clock.monotonic() };
}
