import type { DesiredRoute, ReportedRoutes } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { Counts } from './counts.js';
import type { Records, RoutesOptions } from './options.js';
import { reportOf, type Reporting } from './report.js';

/** How often counts are written down and told, milliseconds: what was counted since is lost with the power. */
const PACE_MS = 5_000;
const RECORD = 'c/';

export interface ReporterOptions extends Omit<Reporting, 'countOf'> {
  readonly counts: Counts;
  readonly routes: () => readonly DesiredRoute[];
  readonly reported: RoutesOptions['reported'];
  readonly journal: Records;
  readonly clock: Pick<Clock, 'timer'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** Tells how the routes do, and keeps their counts over restarts, at a pace. */
export class Reporter {
  readonly #options: ReporterOptions;
  #timer: Cancel | undefined;
  #hasTold = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    const { journal, counts } = this.#options;
    for await (const [key, record] of journal.read(RECORD)) counts.load(key.slice(RECORD.length), record);
  }

  start(): void {
    this.#timer = this.#options.clock.timer(PACE_MS, () => {
      void this.#save();
      this.tell();
      this.start();
    });
  }

  async stop(): Promise<void> {
    this.#timer?.();
    await this.#save();
  }

  /** Tells now. A node that never had a route says nothing of routes. */
  tell(): void {
    const { routes, reported } = this.#options;
    if (routes().length === 0 && !this.#hasTold) return;
    this.#hasTold = true;
    void reported.set('routes', this.report());
  }

  /** How the routes do now. */
  report(): ReportedRoutes {
    const { counts, routes } = this.#options;
    return reportOf(routes(), { ...this.#options, countOf: (uid) => counts.of(uid) });
  }

  /** Forgets the counts of routes that are no more. */
  forget(wanted: ReadonlySet<string>): void {
    const { counts, journal } = this.#options;
    for (const uid of counts.uids) {
      if (wanted.has(uid)) continue;
      counts.forget(uid);
      void this.#written(journal.delete(RECORD + uid));
    }
  }

  async #save(): Promise<void> {
    const { counts, journal } = this.#options;
    await Promise.all(counts.changed().map((uid) => this.#written(journal.put(RECORD + uid, counts.record(uid)))));
  }

  /** The journal writes it when the disk takes it again. */
  #written(write: Promise<void>): Promise<void> {
    return write.catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'the counts of the routes could not be written yet');
    });
  }
}
