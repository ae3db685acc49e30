import { Inject, Injectable } from '@nestjs/common';
import { type Outcome, Pump, type Taken } from '@selvage/outbox';
import { nodeKey } from '@selvage/protocol';
import { type Cancel, systemClock } from '@selvage/reconcile';
import type { Target } from '../endpoints/endpoints.module.js';
import { Sessions } from '../link/index.js';
import { HubOutbox } from './hub-outbox.service.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';
import { laneName, type Lane, readLane } from './lanes.rules.js';
import { LastLeg } from './last-leg.service.js';
import { RateLimit } from './rate-limit.js';

const MIB = 1024 * 1024;
const IN_FLIGHT = 4;
const HELD = 2_000;
/** Batches of targets that store many messages as one: while one is under way, the next is filled. */
const GATHERING = 2;
type Gather = NonNullable<Target['gather']>;

interface Running {
  /** There is none yet while what its target wants is being found out. */
  pump: Pump | undefined;
  readonly lane: Lane;
  readonly project: string;
}

/** Drains the hub's outbox: one pump for each lane that has messages and may deliver them now. */
@Injectable()
export class Deliveries {
  private readonly running = new Map<string, Running>();
  private open = false;
  private deaf: Cancel | undefined;

  constructor(
    private readonly known: KnownRoutes,
    private readonly hub: HubOutbox,
    @Inject(LastLeg) private readonly leg: Pick<LastLeg, 'deliver' | 'gather'>,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'find' | 'listen'>,
  ) {}

  start(): void {
    this.open = true;
    this.known.listen((uid) => {
      this.again(uid);
    });
    this.sessions.listen({
      opened: ({ ref }) => {
        for (const lane of this.lanesTo(nodeKey(ref))) this.run(laneName(lane));
      },
      closed: ({ ref }) => {
        for (const [name, { project, lane }] of this.running)
          if (lane.node !== undefined && nodeKey({ project, node: lane.node }) === nodeKey(ref)) this.end(name);
      },
    });
    this.deaf = this.hub.outbox.listen({
      ready: (lanes) => {
        this.look(lanes);
      },
      reset: () => undefined,
    });
    this.look();
  }

  stop(): void {
    this.open = false;
    this.deaf?.();
    for (const name of [...this.running.keys()]) this.end(name);
  }

  /** There may be messages in these lanes; in any, when none are named. */
  private look(names?: ReadonlySet<string>): void {
    if (names !== undefined) for (const name of names) this.run(name);
    else for (const { lane, count } of this.hub.outbox.lanes) if (count > 0) this.run(lane);
  }

  private run(name: string): void {
    if (!this.open || this.running.has(name)) return;
    const lane = readLane(name);
    const route = this.known.get(lane.uid);
    if (route === undefined || !this.mayRun(route, lane)) return;
    const running: Running = { pump: undefined, lane, project: route.project };
    this.running.set(name, running);
    void this.begin(name, running, route);
  }

  private async begin(name: string, running: Running, route: KnownRoute): Promise<void> {
    const gather = await this.leg.gather(route, running.lane);
    if (this.running.get(name) !== running) return;
    running.pump = new Pump(this.options(route, running.lane, gather));
    running.pump.open();
  }

  private mayRun({ project, spec }: KnownRoute, { node }: Lane): boolean {
    if (spec.state === 'paused') return false;
    return node === undefined || this.sessions.find({ project, node }) !== undefined;
  }

  private options(route: KnownRoute, lane: Lane, gather: Gather | undefined): ConstructorParameters<typeof Pump>[0] {
    const { retry, batch, rate } = route.spec;
    const limit = rate === undefined ? undefined : new RateLimit(rate.perSecond, systemClock);
    const deliver = async (taken: readonly Taken[], signal: AbortSignal): Promise<readonly Outcome[]> => {
      await limit?.take(taken.length, signal);
      return this.leg.deliver(route, lane, taken, signal);
    };
    return {
      ...{ outbox: this.hub.outbox, clock: systemClock, lane: laneName(lane), deliver },
      ...{ inFlight: IN_FLIGHT, held: HELD, maxTries: retry.tries },
      batch: { messages: batch.messages, bytes: MIB },
      ...(gather && {
        ...{ inFlight: GATHERING, held: GATHERING * gather.messages, gatherMs: gather.ms },
        batch: { messages: gather.messages, bytes: gather.bytes },
      }),
      backoff: { baseMs: retry.minSeconds * 1000, capMs: retry.maxSeconds * 1000, floorMs: 50 },
    };
  }

  /** A route is new, other than it was, or gone: its pumps begin anew, as far as they may. */
  private again(uid: string): void {
    for (const [name, { lane }] of this.running) if (lane.uid === uid) this.end(name);
    for (const { lane, count } of this.hub.outbox.lanes) if (count > 0 && readLane(lane).uid === uid) this.run(lane);
  }

  private *lanesTo(key: string): Generator<Lane> {
    for (const { lane: name, count } of this.hub.outbox.lanes) {
      if (count === 0) continue;
      const lane = readLane(name);
      const project = this.known.get(lane.uid)?.project;
      if (lane.node !== undefined && project !== undefined && nodeKey({ project, node: lane.node }) === key) yield lane;
    }
  }

  private end(name: string): void {
    this.running.get(name)?.pump?.close();
    this.running.delete(name);
  }
}
