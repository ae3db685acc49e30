import { Inject, Injectable } from '@nestjs/common';
import { LATENCY_MS } from '@selvage/protocol';
import { type Cancel, systemClock } from '@selvage/reconcile';
import { Database } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { type HubCounts, RouteCountRow } from './routes.entity.js';

const EVERY_MS = 3_000;
const MAX_ERRORS = 10;

type Writable<T> = { -readonly [K in keyof T]: T[K] };
const NOTHING: HubCounts = {
  ...{ taken: 0, forwarded: 0, filtered: 0, failed: 0, bytes: 0 },
  latency: Array.from({ length: LATENCY_MS.length + 1 }, () => 0),
  errors: [],
};

/** What the hub counts of routes: in memory, and written every few seconds. A crash may cost the counts of those. */
@Injectable()
export class RouteCounts {
  private readonly counts = new Map<string, Writable<HubCounts>>();
  private readonly changed = new Set<string>();
  private cancel: Cancel | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: Database,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    for (const { uid, counts } of await this.db.read.find(RouteCountRow))
      this.counts.set(uid, { ...NOTHING, ...counts });
    this.later();
  }

  async stop(): Promise<void> {
    this.cancel?.();
    await this.writing;
    await this.write();
  }

  of(uid: string): HubCounts {
    return this.counts.get(uid) ?? NOTHING;
  }

  add(uid: string, what: Partial<Pick<HubCounts, 'taken' | 'filtered'>>): void {
    const own = this.own(uid);
    own.taken += what.taken ?? 0;
    own.filtered += what.filtered ?? 0;
  }

  /** A message has reached its target, so many milliseconds after it came into being. */
  forwarded(uid: string, { bytes, tookMs }: { bytes: number; tookMs: number }): void {
    const own = this.own(uid);
    own.forwarded += 1;
    own.bytes += bytes;
    const bucket = LATENCY_MS.findIndex((most) => tookMs <= most);
    const at = bucket === -1 ? LATENCY_MS.length : bucket;
    own.latency = own.latency.map((count, index) => (index === at ? count + 1 : count));
  }

  /** A try failed. */
  failed(uid: string, detail: string): void {
    const own = this.own(uid);
    own.failed += 1;
    const error = { at: new Date(systemClock.now()).toISOString(), detail: detail.slice(0, 500) };
    own.errors = [error, ...own.errors.filter((one) => one.detail !== error.detail)].slice(0, MAX_ERRORS);
  }

  /** The route is gone. */
  forget(uid: string): void {
    this.counts.delete(uid);
    this.changed.delete(uid);
  }

  private own(uid: string): Writable<HubCounts> {
    this.changed.add(uid);
    const there = this.counts.get(uid);
    if (there !== undefined) return there;
    const fresh = { ...NOTHING };
    this.counts.set(uid, fresh);
    return fresh;
  }

  private later(): void {
    this.cancel = systemClock.timer(EVERY_MS, () => {
      this.writing = this.logged().then(() => {
        this.later();
      });
    });
  }

  private async logged(): Promise<void> {
    try {
      await this.write();
    } catch (error) {
      this.log.warn({ err: error }, 'the counts of routes could not be written; it is tried again');
    }
  }

  private async write(): Promise<void> {
    const uids = [...this.changed];
    if (uids.length === 0) return;
    const rows = uids.map((uid) => ({ uid, counts: { ...this.of(uid) } }));
    this.changed.clear();
    try {
      await this.db.write((tx) => tx.upsert(RouteCountRow, rows, ['uid']));
    } catch (error) {
      for (const uid of uids) this.changed.add(uid);
      throw error;
    }
  }
}
