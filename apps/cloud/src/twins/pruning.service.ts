import { Inject, Injectable } from '@nestjs/common';
import { type Cancel, type Clock, systemClock } from '@selvage/reconcile';
import { In } from 'typeorm';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { TwinEventRow, TwinGoneRow } from './twins.entity.js';

const EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
const BATCH = 1000;
/** Old events, but not the newest old one of a key and side: that says how it was when the time that is kept began. */
const OLD =
  'SELECT e.id AS id FROM twin_events e WHERE e.at < $1 AND EXISTS (SELECT 1 FROM twin_events n WHERE n.device = e.device ' +
  'AND n."key" = e."key" AND n.side = e.side AND n.at <= $1 AND (n.at > e.at OR (n.at = e.at AND n.id > e.id))) ' +
  `LIMIT ${BATCH}`;

/** Forgets events that are older than is kept, and those of deleted devices: every hour, a batch at a time. */
@Injectable()
export class Pruning {
  private readonly clock: Clock = systemClock;
  private cancel: Cancel | undefined;
  private going: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    @Inject(LOG) private readonly log: Logger,
  ) {}

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

  /** Forgets all that is to be forgotten now; gives how many events that were. */
  async prune(): Promise<number> {
    const cutoff = new Date(this.clock.now() - this.config.twinHistoryDays * DAY_MS).toISOString();
    return (await this.inBatches(() => this.db.read.query(OLD, [cutoff]))) + (await this.pruneGone());
  }

  private async pruneGone(): Promise<number> {
    let count = 0;
    for (const { device } of await this.db.read.find(TwinGoneRow, { take: BATCH })) {
      const ids = (): Promise<{ id: number }[]> =>
        this.db.read.find(TwinEventRow, { select: { id: true }, where: { device }, take: BATCH });
      count += await this.inBatches(ids);
      if (!this.stopped) await this.db.write((tx) => tx.delete(TwinGoneRow, { device }));
    }
    return count;
  }

  private async inBatches(next: () => Promise<{ id: number }[]>): Promise<number> {
    let count = 0;
    while (!this.stopped) {
      const ids = (await next()).map(({ id }) => id);
      if (ids.length > 0) await this.db.write((tx) => tx.delete(TwinEventRow, { id: In(ids) }));
      count += ids.length;
      if (ids.length < BATCH) break;
    }
    return count;
  }

  private async logged(): Promise<void> {
    try {
      const events = await this.prune();
      if (events > 0) this.log.info({ events }, 'old events of twins forgotten');
    } catch (error) {
      this.log.error({ err: error }, 'old events of twins not forgotten');
    }
  }
}
