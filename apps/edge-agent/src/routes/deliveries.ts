import { type Outbox, Pump } from '@selvage/outbox';
import type { DesiredRoute } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import { Again } from './again.js';
import { Bucket, UNLIMITED } from './bucket.js';
import type { Counts } from './counts.js';
import { laneOf, unprocessedLaneOf } from './lanes.js';
import { Onward } from './onward.js';
import { plan } from './plan.js';
import type { Publishing } from './publishing.js';
import type { Table } from './table.js';
import { delivering, type Target } from './target.js';
import { ToEdge } from './to-edge.js';
import { ToService } from './to-service.js';

const MIB = 1024 * 1024;
/** Messages of one route that are in memory. */
const HELD = 1_000;
/** Batches for the broker, and requests to a service, that are under way at once for one route. */
const IN_FLIGHT = { edge: 4, service: 8, hub: 1 };
const NOT_COUNTED = { forwarded: (): void => undefined, failed: (): void => undefined };

export interface DeliveriesPorts {
  readonly local: Outbox;
  readonly hub: Pick<Outbox, 'append'>;
  readonly table: Pick<Table, 'takingOf' | 'routes'>;
  readonly publishing: Pick<Publishing, 'publish'>;
  readonly counts: Pick<Counts, 'forwarded' | 'failed'>;
  readonly clock: Clock;
}

interface Open {
  readonly route: DesiredRoute;
  readonly pumps: readonly Pump[];
  readonly target?: Target;
}

/** Drains what the routes of this node have taken for targets on this node. */
export class Deliveries {
  readonly #ports: DeliveriesPorts;
  readonly #open = new Map<string, Open>();
  #isRunning = false;

  constructor(ports: DeliveriesPorts) {
    this.#ports = ports;
  }

  /** The broker can publish. */
  start(): void {
    this.#isRunning = true;
    this.apply();
  }

  /** What is under way is aborted, and waits in the outbox. */
  stop(): void {
    this.#isRunning = false;
    for (const uid of [...this.#open.keys()]) this.#close(uid);
  }

  /** Brings what runs to the routes that the table has now. */
  apply(): void {
    if (!this.#isRunning) return;
    const open = new Map([...this.#open].map(([uid, { route }]) => [uid, route]));
    for (const step of plan(open, this.#ports.table.routes)) {
      if (step.kind === 'close') this.#close(step.uid);
      else this.#start(step.route);
    }
  }

  #start(route: DesiredRoute): void {
    const { counts } = this.#ports;
    const again = this.#again(route);
    const target = this.#targetOf(route);
    const main =
      target === undefined ? [] : [this.#pump(route, laneOf(route.uid), delivering(route.uid, target, counts))];
    const pumps = [...main, ...again];
    this.#open.set(route.uid, { route, pumps, ...(target && { target }) });
    for (const pump of pumps) pump.open();
  }

  #close(uid: string): void {
    const open = this.#open.get(uid);
    this.#open.delete(uid);
    for (const pump of open?.pumps ?? []) pump.close();
    open?.target?.close?.();
  }

  /** Undefined: it is not to be brought anything now. What is for the hub is kept back by the hub. */
  #targetOf(route: DesiredRoute): Target | undefined {
    const { publishing, local, hub, clock } = this.#ports;
    const { target, uid } = route;
    if (target.kind === 'hub') return new Onward(route, hub);
    if (route.state === 'paused') return undefined;
    const rate = route.rate === undefined ? UNLIMITED : new Bucket(route.rate.perSecond, clock);
    const source = () => ({ epoch: local.epoch, lane: laneOf(uid) });
    if (target.kind === 'edge') return new ToEdge(target, { publishing, rate, source });
    return new ToService(target, { rate, clock });
  }

  /** Also of a route that is paused: what could not be processed is not kept back from who looks for it. */
  #again(route: DesiredRoute): Pump[] {
    const { table } = this.#ports;
    const taking = table.takingOf(route.uid);
    const lane = unprocessedLaneOf(route.uid);
    if (taking === undefined) return [];
    return [this.#pump(route, lane, delivering(route.uid, new Again(taking), NOT_COUNTED))];
  }

  #pump(route: DesiredRoute, lane: string, deliver: ReturnType<typeof delivering>): Pump {
    const { local: outbox, clock } = this.#ports;
    const { kind } = route.target;
    const { tries: maxTries, minSeconds, maxSeconds } = route.retry;
    return new Pump({
      ...{ outbox, clock, lane, deliver, maxTries, held: HELD, inFlight: IN_FLIGHT[kind] },
      batch: { messages: kind === 'service' ? 1 : route.batch.messages, bytes: MIB },
      // Full jitter between the shortest delay and twice of it, then twice of that …
      backoff: { baseMs: minSeconds * 2_000, capMs: maxSeconds * 1_000, floorMs: minSeconds * 1_000 },
    });
  }
}
