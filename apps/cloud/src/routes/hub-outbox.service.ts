import { Inject, Injectable } from '@nestjs/common';
import { type LaneRules, Outbox, type TotalRules } from '@selvage/outbox';
import { systemClock } from '@selvage/reconcile';
import { Database } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { KnownRoutes } from './known-routes.service.js';
import { readLane } from './lanes.rules.js';
import { HubOutboxStore } from './outbox-store.service.js';

const MAX_MESSAGE = 1_100_000;
const TOTAL: TotalRules = { maxBytes: 16 * 1024 ** 3, whenFull: 'drop-lowest-priority' };
/** Messages of a route that was deleted are of no use. */
const GONE: LaneRules = { maxBytes: 0, maxAgeMs: 0, whenFull: 'drop-oldest', priority: -1 };

/** What waits at the hub for the last leg of its way, in the hub's own database. */
@Injectable()
export class HubOutbox {
  readonly store: HubOutboxStore;
  readonly outbox: Outbox;

  constructor(
    db: Database,
    private readonly known: KnownRoutes,
    @Inject(LOG) log: Logger,
  ) {
    this.store = new HubOutboxStore(db);
    this.outbox = new Outbox({
      store: this.store,
      clock: systemClock,
      rules: (lane) => this.rules(lane),
      total: TOTAL,
      maxMessage: MAX_MESSAGE,
      trouble: (error) => {
        log.error({ err: error }, 'the outbox of the hub could not be written; it is tried again');
      },
    });
  }

  start(): Promise<void> {
    return this.outbox.start();
  }

  stop(): Promise<void> {
    return this.outbox.stop();
  }

  /** A route is gone: so are its dead letters. What still waits is dropped when there is something to be written, counted. */
  forget(uid: string): void {
    this.outbox.discard(this.outbox.deadIn((lane) => readLane(lane).uid === uid).map(({ seq }) => seq));
  }

  private rules(lane: string): LaneRules {
    const route = this.known.get(readLane(lane).uid);
    if (route === undefined) return GONE;
    const { budget, priority } = route.spec;
    return { maxBytes: budget.bytes, maxAgeMs: budget.ageSeconds * 1000, whenFull: budget.whenFull, priority };
  }
}
