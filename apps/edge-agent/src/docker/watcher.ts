import { type Backoff, type Cancel, type Clock, delay, linked, type Linked, pause } from '@selvage/reconcile';
import { EdgeError, type Engine, toEdgeError } from '@selvage/protocol';
import type { Logger } from 'pino';
import type { Docker, EngineEvent, EngineInfo, Labels } from './docker.js';
import { socketIsMissing } from './docker-errors.js';

export interface WatcherOptions {
  readonly docker: Docker;
  /** Whose containers' events are told. */
  readonly labels: Labels;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
}

export interface EngineListener {
  /** The engine came or went: on coming, anything may have happened to the containers meanwhile. */
  readonly changed?: (engine: Engine) => void;
  /** Something happened to a container with the labels. */
  readonly happened?: (event: EngineEvent) => void;
}

const BACKOFF: Backoff = { baseMs: 250, capMs: 5_000, floorMs: 100 };
/** An engine that hangs, or whose socket is another's now, keeps its event stream open: it is asked now and then whether it is there. */
const PULSE_MS = 30_000;
/** What changes a container; left out are `exec_…`, `health_status`, `top` and the like, which may come many times a second. */
const ACTIONS = new Set(['start', 'die', 'stop', 'kill', 'pause', 'unpause', 'destroy', 'oom', 'rename', 'update']);

/** Keeps an eye on the engine: whether it is there, which it is, and what happens to the containers. Connects again for ever. */
export class EngineWatcher {
  readonly #options: WatcherOptions;
  readonly #listeners = new Set<EngineListener>();
  readonly #stopping = new AbortController();
  #engine: Engine = { state: 'not_answering', reason: 'It was not asked yet.' };
  #info: EngineInfo | undefined;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** The engine as it is reported among the facts of the node. */
  get engine(): Engine {
    return this.#engine;
  }

  /** What the engine says of itself while it is there. */
  get info(): EngineInfo | undefined {
    return this.#info;
  }

  /** Gives a function that ends the subscription. */
  subscribe(listener: EngineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#running ??= this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        await this.#session(signal);
      } catch (thrown) {
        if (!stopped()) this.#lost(thrown);
      }
      this.#failures += 1;
      await pause(delay(this.#failures, BACKOFF, random), clock, signal);
    }
  }

  /** One connection, from the first answer of the engine until it goes away. */
  async #session(stopping: AbortSignal): Promise<void> {
    const { docker, labels } = this.#options;
    const mark = await docker.ping();
    const info = await docker.info();
    const over = linked([stopping]);
    let endPulse: Cancel = () => undefined;
    try {
      const events = await docker.events(labels, over.signal);
      this.#found(info);
      endPulse = this.#pulse(over, mark);
      for await (const event of events) if (ACTIONS.has(event.action)) this.#tell((one) => one.happened?.(event));
      throw over.signal.aborted ? over.signal.reason : new Error('The engine ended the stream of events.');
    } catch (thrown) {
      throw over.signal.aborted ? over.signal.reason : thrown;
    } finally {
      endPulse();
      over.end();
    }
  }

  #pulse(over: Linked, mark: string): Cancel {
    const { clock, docker } = this.#options;
    let cancel: Cancel = () => undefined;
    const beat = (): void => {
      cancel = clock.timer(PULSE_MS, () => {
        docker.ping().then(
          (now) => {
            if (now !== mark) over.end(new EdgeError('docker_unavailable', 'Its socket is another one now.'));
            if (!over.signal.aborted) beat();
          },
          (error: unknown) => {
            over.end(error);
          },
        );
      });
    };
    beat();
    return () => {
      cancel();
    };
  }

  #found(info: EngineInfo): void {
    const { version, apiVersion, storageDriver } = info;
    this.#info = info;
    this.#failures = 0;
    this.#options.log.info({ version, apiVersion }, 'connected to the Docker engine');
    this.#change({ state: 'ready', version, apiVersion, storageDriver });
  }

  #lost(thrown: unknown): void {
    const error = toEdgeError(thrown);
    this.#info = undefined;
    const engine: Engine = { state: socketIsMissing(error) ? 'missing' : 'not_answering', reason: error.detail };
    if (engine.state === this.#engine.state && engine.reason === this.#engine.reason) return;
    this.#options.log.warn({ reason: engine.reason }, 'lost the Docker engine');
    this.#change(engine);
  }

  #change(engine: Engine): void {
    this.#engine = engine;
    this.#tell((one) => one.changed?.(engine));
  }

  #tell(say: (listener: EngineListener) => void): void {
    for (const listener of this.#listeners) say(listener);
  }
}
