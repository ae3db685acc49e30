import { type Clock, Reconciler, type ReconcilerOptions } from '@selvage/reconcile';
import { frames, type ReportedApps, toEdgeError } from '@selvage/protocol';
import type { Logger } from 'pino';
import type { Docker, EngineEvent, EngineListener, EngineWatcher } from '../docker/index.js';
import { Actions, stepTimeoutMs } from './apply.js';
import { ExitLog } from './exit-log.js';
import type { Owner } from './labels.js';
import { Logs, type LogSink } from './logs.js';
import { AppsNoun } from './noun.js';
import { Observer } from './observe.js';
import { type MetaStore, Purged } from './purged.js';
import type { Step } from './steps.js';
import { type DesiredSource, type PinStore, readWanted } from './wanted.js';

/** A failing step is tried again within 10 s, then within 20 s … 5 min. */
const BACKOFF = { baseMs: 10_000, capMs: 300_000, floorMs: 500 };
const OBSERVE_TIMEOUT_MS = 120_000;
/** Events of the engine come at once; this finds what they missed. */
const RESYNC_MS = 60_000;
/** Steps wait for their turn by kind, so that slow pulls hold up nothing else; this is only a bound. */
const CONCURRENCY = 1_000;

export interface AppsOptions {
  readonly docker: Docker;
  readonly engine: Pick<EngineWatcher, 'engine' | 'info' | 'subscribe'>;
  readonly desired: DesiredSource;
  readonly reported: { set(section: string, value: ReportedApps): void | Promise<void> };
  readonly pins: PinStore;
  readonly meta: MetaStore;
  readonly calls: {
    register<T>(method: string, schema: { parse(value: unknown): T }, handler: CallHandler<T>): void;
  };
  readonly clock: Clock;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly node: Owner;
  readonly mountAllowList: readonly string[];
  /** Host paths that no app gets, whatever is allowed: the engine's socket, the agent's own folder. */
  readonly protectedPaths: readonly string[];
}

type CallHandler<T> = (params: T, sink: LogSink, signal: AbortSignal) => Promise<void>;

/** Keeps the containers of this node's apps as the hub wants them. */
export interface Apps {
  start(): void;
  /** Ends what is under way; containers stay as they are. */
  stop(): Promise<void>;
  /** Looks again now. */
  poke(): void;
}

export function createApps(options: AppsOptions): Apps {
  const { docker, engine, desired, reported, pins, clock, log, node: owner } = options;
  const exits = new ExitLog();
  const purged = new Purged(options.meta);
  const mounts = { allow: options.mountAllowList, protect: options.protectedPaths };
  const wanted = () => readWanted(desired);
  const actions = new Actions({ docker, clock, owner, pins, mounts, wanted, purged });
  const observer = new Observer({ docker, engine, clock, owner, exits });
  const report = (apps: ReportedApps) => reported.set('apps', apps);
  const poke = (): void => {
    loop.poke();
  };
  const noun = new AppsNoun({ clock, log, owner, pins, purged, wanted, observer, actions, report, poke });
  const loop = new Reconciler(noun, loopOptions(options));
  return new AppsSlice({ ...options, exits, actions, noun, loop });
}

interface Parts extends AppsOptions {
  readonly exits: ExitLog;
  readonly actions: Actions;
  readonly noun: AppsNoun;
  readonly loop: { start(): void; poke(): void; stop(): Promise<void> };
}

class AppsSlice implements Apps {
  readonly #parts: Parts;
  #leave: () => void = () => undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { docker, engine, desired, calls, clock, node, loop } = this.#parts;
    const logs = new Logs({ docker, engine, owner: node, now: () => Math.floor(clock.now() / 1000) });
    calls.register('logs', frames.logsCall, (params, sink, signal) => logs.stream(params, sink, signal));
    for (const section of ['apps', 'secrets'])
      desired.onChange(section, () => {
        loop.poke();
      });
    this.#leave = engine.subscribe(this.#listener());
    loop.start();
  }

  async stop(): Promise<void> {
    const { loop, noun, actions } = this.#parts;
    this.#leave();
    await loop.stop();
    noun.rest();
    actions.stop();
  }

  poke(): void {
    this.#parts.loop.poke();
  }

  #listener(): EngineListener {
    const { exits, loop } = this.#parts;
    return {
      changed: ({ state }) => {
        if (state !== 'ready') exits.blind();
        loop.poke();
      },
      happened: (event) => {
        this.#note(event);
        loop.poke();
      },
    };
  }

  #note({ action, id }: EngineEvent): void {
    const { exits } = this.#parts;
    if (action === 'kill') exits.killed(id);
    if (action === 'start') exits.started(id);
  }
}

function loopOptions({ clock, random, log }: AppsOptions): ReconcilerOptions<Step> {
  return {
    clock,
    ...(random && { random }),
    backoff: BACKOFF,
    resyncMs: RESYNC_MS,
    concurrency: CONCURRENCY,
    observeTimeoutMs: OBSERVE_TIMEOUT_MS,
    stepTimeoutMs,
    onError: (error) => {
      log.error({ err: toEdgeError(error) }, 'a look at the apps failed');
    },
  };
}
