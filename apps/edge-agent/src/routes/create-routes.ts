import type { DesiredRoute } from '@selvage/protocol';
import { answerCalls } from './calls.js';
import { Counts } from './counts.js';
import { DeadLetters } from './dead-letters.js';
import { Delivered } from './delivered.js';
import { Deliveries } from './deliveries.js';
import { uidOf } from './lanes.js';
import type { RoutesOptions } from './options.js';
import { Publishing } from './publishing.js';
import { Reporter } from './reporter.js';
import { Table } from './table.js';
import { readWanted } from './wanted.js';

/** How a route does on this node. */
export interface RouteShown extends Pick<DesiredRoute, 'name' | 'state'> {
  readonly taken: number;
  readonly filtered: number;
  readonly failed: number;
  readonly waiting: number;
  readonly bytes: number;
  readonly dead: number;
  readonly dropped: number;
}

/** Carries messages of this node's broker to where routes lead. */
export interface Routes {
  /** Takes messages from then on; the hub need not be there. Call it before the broker lets clients in. */
  start(): Promise<void>;
  /** Takes no more. */
  stop(): Promise<void>;
  /** How each route does. */
  status(): RouteShown[];
  /** What brings messages to targets on this node: started when the broker can publish, stopped before it ends. */
  readonly deliveries: { start(): void; stop(): void };
}

export function createRoutes(options: RoutesOptions): Routes {
  const counts = new Counts(options.clock);
  const table = new Table({ ...options, counts });
  const reporter = new Reporter({ ...options, counts, routes: () => table.routes });
  const delivered = new Delivered(options.journal, options.log);
  const publishing = new Publishing({ ...options, delivered, offer: (incoming) => table.offer(incoming) });
  const deliveries = new Deliveries({ ...options, table, publishing, counts });
  return new RoutesSlice({ ...options, table, reporter, delivered, publishing, deliveries });
}

interface Parts extends RoutesOptions {
  readonly table: Table;
  readonly reporter: Reporter;
  readonly delivered: Delivered;
  readonly publishing: Publishing;
  readonly deliveries: Deliveries;
}

class RoutesSlice implements Routes {
  readonly #parts: Parts;
  #isRunning = false;
  #services: readonly number[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { desired, reporter, delivered } = this.#parts;
    await reporter.load();
    await delivered.load();
    this.#isRunning = true;
    answerCalls({ ...this.#parts, services: () => this.#services });
    desired.onChange('routes', () => {
      this.#apply();
    });
    this.#apply();
    reporter.start();
  }

  get deliveries(): Routes['deliveries'] {
    return this.#parts.deliveries;
  }

  status(): RouteShown[] {
    const { table, reporter } = this.#parts;
    const reports = new Map(reporter.report().routes.map((one) => [one.uid, one]));
    return table.routes.flatMap(({ uid, name, state }) => {
      const report = reports.get(uid);
      if (report === undefined) return [];
      const { taken, filtered, failed, dead, backlog, dropped: gaps } = report;
      const dropped = gaps.reduce((sum, { count }) => sum + count, 0);
      return [{ name, state, taken, filtered, failed, waiting: backlog.count, bytes: backlog.bytes, dead, dropped }];
    });
  }

  async stop(): Promise<void> {
    const { table, reporter } = this.#parts;
    this.#isRunning = false;
    table.close();
    await reporter.stop();
  }

  #apply(): void {
    if (!this.#isRunning) return;
    const { desired, log, table } = this.#parts;
    const wanted = readWanted(desired, log);
    if (wanted === undefined) return;
    this.#services = wanted.services;
    const steps = table.apply(wanted.routes);
    if (steps.length > 0) log.info({ routes: wanted.routes.length, changes: steps.length }, 'routes changed');
    this.#parts.deliveries.apply();
    this.#forget(new Set(wanted.routes.map(({ uid }) => uid)));
    this.#parts.reporter.tell();
  }

  /** What is known of routes that are no more. Their messages go by themselves: their lanes may hold nothing. */
  #forget(wanted: ReadonlySet<string>): void {
    const { reporter, delivered, local } = this.#parts;
    reporter.forget(wanted);
    void this.#discard(wanted);
    for (const lane of delivered.lanes) {
      const uid = uidOf(lane);
      if (delivered.epochOf(lane) === local.epoch && uid !== undefined && !wanted.has(uid)) delivered.forget(lane);
    }
  }

  async #discard(wanted: ReadonlySet<string>): Promise<void> {
    const { hub, local, log } = this.#parts;
    const letters = new DeadLetters({ hub, local });
    const uids = [...hub.deadLanes.keys(), ...local.deadLanes.keys()].flatMap((lane) => uidOf(lane) ?? []);
    try {
      for (const uid of new Set(uids)) if (!wanted.has(uid)) await letters.discard(uid);
    } catch (error) {
      log.warn({ err: error }, 'dead letters of routes that are no more could not be thrown away yet');
    }
  }
}
