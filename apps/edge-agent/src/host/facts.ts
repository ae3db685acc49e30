import { type Cancel, type Clock, withDeadline } from '@selvage/reconcile';
import { type Gpu, type NodeFacts, nodeFacts, toEdgeError } from '@selvage/protocol';
import type { Logger } from 'pino';
import type { EngineWatcher } from '../docker/index.js';
import { readGpus } from './gpus.js';
import { addresses, type HostFacts, observeHost } from './observe.js';
import { settled } from './status.js';

const MINUTE = 60_000;
const EVERY_MS = 5 * MINUTE;
/** Addresses come and go with cables; a look at them costs next to nothing. */
const ADDRESSES_MS = MINUTE / 2;
/** Asking for processors may start a program. */
const GPUS_MS = 60 * MINUTE;
/** The first report waits for what the engine answers, but not longer. */
const FIRST_MS = 2_000;
/** A disk that does not answer must not hold up the rest. */
const OBSERVE_MS = 20_000;

export interface FactsOptions {
  readonly engine: Pick<EngineWatcher, 'engine' | 'subscribe'>;
  readonly reported: { set(section: string, value: NodeFacts): void };
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** The data folder. */
  readonly folder: string;
  readonly mountAllowList: readonly string[];
  readonly agentVersion: string;
  /** This machine unless given. */
  readonly machine?: Machine;
}

/** What is asked of the machine. */
export interface Machine {
  observe(): Promise<HostFacts>;
  addresses(): readonly string[];
  gpus(): Promise<Gpu[]>;
}

/** Reports the facts of this machine as section `facts`: at the start, when the engine or an address changes, every five minutes. */
export class Facts {
  readonly #options: FactsOptions;
  readonly #machine: Machine;
  #last: NodeFacts | undefined;
  #gpus: { readonly found: Gpu[]; readonly at: number } | undefined;
  #addresses = '';
  #looking: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #cancels: Cancel[] = [];

  constructor(options: FactsOptions) {
    this.#options = options;
    const { folder, clock } = options;
    const here = { observe: () => observeHost({ folder, now: clock.now() }), addresses, gpus: readGpus };
    this.#machine = options.machine ?? here;
  }

  /** What was reported last. */
  get current(): NodeFacts | undefined {
    return this.#last;
  }

  start(): void {
    const { engine, clock } = this.#options;
    const poke = (): void => {
      this.poke();
    };
    this.#cancels.push(engine.subscribe({ changed: poke }), clock.timer(FIRST_MS, poke));
    this.#every(EVERY_MS, poke);
    this.#every(ADDRESSES_MS, () => {
      if (this.#machine.addresses().join() !== this.#addresses) this.poke();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    await this.#looking;
  }

  /** Looks now, or once more after the look that is under way. */
  poke(): void {
    this.#again = true;
    this.#looking ??= this.#look();
  }

  async #look(): Promise<void> {
    const { clock, log } = this.#options;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        await withDeadline({ clock, ms: OBSERVE_MS, what: 'a look at the machine' }, () => this.#report());
      } catch (error) {
        log.warn({ err: toEdgeError(error) }, 'could not look at the machine');
      }
    }
    this.#looking = undefined;
  }

  async #report(): Promise<void> {
    const { engine, reported, mountAllowList, agentVersion } = this.#options;
    const [host, gpus] = [await this.#machine.observe(), await this.#processors()];
    const docker = engine.engine;
    const now = nodeFacts.parse({ ...host, gpus, docker, mountAllowList: [...mountAllowList], agentVersion });
    this.#addresses = now.addresses.join();
    this.#last = settled(this.#last, now);
    if (!this.#stopped) reported.set('facts', this.#last);
  }

  async #processors(): Promise<Gpu[]> {
    const at = this.#options.clock.monotonic();
    if (this.#gpus !== undefined && at - this.#gpus.at < GPUS_MS) return this.#gpus.found;
    const found = await this.#machine.gpus();
    this.#gpus = { found, at };
    return found;
  }

  #every(ms: number, run: () => void): void {
    const { clock } = this.#options;
    const index = this.#cancels.length;
    const again = (): void => {
      this.#cancels[index] = clock.timer(ms, () => {
        run();
        if (!this.#stopped) again();
      });
    };
    again();
  }
}
