import { type EdgeError, toEdgeError, type TwinChange } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { within } from './deadline.js';
import { type Outgoing, type Publisher, sizeOf } from './publisher.js';
import { toRecord } from './stored-device.js';
import type { BoundDevice } from './twin-node.js';

const MIB = 1024 * 1024;
/** Bytes of answers that may wait for the disk; more messages are refused. */
const MAX_WAITING = 32 * MIB;
const DEADLINE_MS = 30_000;
const RETRY_MS = 1_000;
/** Most changes that are appended at once. */
const MAX_CHANGES = 1_000;

/** The key of a device's record. */
export const RECORD = 't/';

/** What is asked of the journal: a promise resolves when the record is on the disk, or gone from it. */
export interface Records {
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What follows a change once it is on the disk. */
export interface Job {
  /** Devices that it is about: nothing of it is done while one of them cannot be stored. */
  readonly devices: readonly string[];
  /** Those of them that it changed in memory. */
  readonly changed: readonly string[];
  readonly changes: readonly TwinChange[];
  readonly out: readonly Outgoing[];
}

export interface KeeperOptions {
  readonly journal: Records;
  readonly events?: { append(changes: readonly TwinChange[]): Promise<void> } | undefined;
  readonly publisher: Pick<Publisher, 'publish' | 'room'>;
  /** A device as it is in memory. */
  readonly current: (id: string) => BoundDevice | undefined;
  /** Told of each device that is on the disk now, as it is there. */
  readonly stored: (id: string, device: BoundDevice | undefined) => void;
  /** Told after each round. */
  readonly rested: () => void;
  readonly clock: Pick<Clock, 'timer'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

interface Waiting {
  readonly job: Job;
  /** Bytes that count as waiting; what is lasting is bounded by those who ask for it. */
  readonly size: number;
  /** Tried until it is done, rather than refused. */
  readonly isLasting: boolean;
  readonly resolve: () => void;
  readonly reject: (error: EdgeError) => void;
}

/**
 * Stores devices and then says what happened, in the order in which it was asked for: record, events, answers, acknowledgement. While one
 * round is under way the next one gathers, and each changed device is written once in it, however many messages changed it.
 *
 * A device that cannot be stored is tried again, as it is in memory then, until it is: memory is never behind the disk, the disk never
 * goes back, and until it is stored whatever is asked of the device is refused, its values included.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #dirty = new Set<string>();
  #waiting: Waiting[] = [];
  #lasting: Waiting[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #resting: Cancel | undefined;
  #isAsked = false;
  #failing = false;
  #isStopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Whether a message may be worked on. Ask before its change is in memory. */
  get hasRoom(): boolean {
    return !this.#isStopped && this.#bytes < MAX_WAITING;
  }

  /** Whether the last try to store something failed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Stores devices that changed in memory, sooner or later. */
  changed(ids: readonly string[]): void {
    for (const id of ids) this.#dirty.add(id);
    this.#begin();
  }

  /** Resolves when the job is done. @throws EdgeError when its devices or events cannot be stored */
  submit(job: Job): Promise<void> {
    return this.#submit(job, false);
  }

  /** The same for what nobody would send again: resolves when it is done at last, or at the end. */
  async submitLasting(job: Job): Promise<void> {
    if (!this.#isStopped) await this.#submit(job, true);
  }

  /** Does what waits, once; what cannot be stored is refused. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#resting?.();
    await this.#running;
    for (const { resolve } of this.#lasting) resolve();
  }

  #submit(job: Job, isLasting: boolean): Promise<void> {
    for (const id of job.changed) this.#dirty.add(id);
    return new Promise((resolve, reject) => {
      const size = isLasting ? 0 : job.out.reduce((sum, one) => sum + sizeOf(one), 512);
      this.#bytes += size;
      this.#waiting.push({ job, size, isLasting, resolve, reject });
      this.#begin();
    });
  }

  #begin(): void {
    this.#isAsked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isAsked) this.#begin();
    });
  }

  async #run(): Promise<void> {
    this.#resting?.();
    this.#resting = undefined;
    while (this.#isAsked) await this.#round();
    if (this.#isStopped || (this.#dirty.size === 0 && this.#lasting.length === 0)) return;
    this.#resting = this.#options.clock.timer(RETRY_MS, () => {
      this.#begin();
    });
  }

  async #round(): Promise<void> {
    // What else came in by now costs no commit of its own.
    await new Promise((resolve) => setImmediate(resolve));
    this.#isAsked = false;
    const jobs = [...this.#lasting, ...this.#waiting];
    this.#lasting = [];
    this.#waiting = [];
    const failed = await this.#store();
    const refusal = ({ devices }: Job): EdgeError | undefined =>
      devices.map((id) => failed.get(id)).find((error) => error !== undefined);
    const stored = jobs.filter(({ job }) => refusal(job) === undefined);
    const unsaid = await this.#append(stored.flatMap(({ job }) => job.changes));
    const why = (job: Job): EdgeError | undefined => refusal(job) ?? (job.changes.length > 0 ? unsaid : undefined);
    this.#told(unsaid ?? [...failed.values()][0]);
    await this.#say(jobs.filter(({ job }) => why(job) === undefined));
    for (const waiting of jobs) this.#settle(waiting, why(waiting.job));
    this.#options.rested();
  }

  /** Writes each changed device; gives those that could not be written. */
  async #store(): Promise<ReadonlyMap<string, EdgeError>> {
    const { journal, current, stored, clock } = this.#options;
    const failed = new Map<string, EdgeError>();
    const ids = [...this.#dirty];
    this.#dirty.clear();
    const write = async (id: string): Promise<void> => {
      const device = current(id);
      const key = `${RECORD}${id}`;
      try {
        await within(device ? journal.put(key, toRecord(device)) : journal.delete(key), clock, DEADLINE_MS);
        stored(id, device);
      } catch (error) {
        failed.set(id, toEdgeError(error));
        this.#dirty.add(id);
      }
    };
    await Promise.all(ids.map(write));
    return failed;
  }

  async #append(changes: readonly TwinChange[]): Promise<EdgeError | undefined> {
    const { events, clock } = this.#options;
    if (!events || changes.length === 0) return undefined;
    const parts = Array.from({ length: Math.ceil(changes.length / MAX_CHANGES) }, (_, part) =>
      changes.slice(part * MAX_CHANGES, (part + 1) * MAX_CHANGES),
    );
    try {
      await within(Promise.all(parts.map((part) => events.append(part))), clock, DEADLINE_MS);
      return undefined;
    } catch (error) {
      return toEdgeError(error);
    }
  }

  async #say(done: readonly Waiting[]): Promise<void> {
    const { publisher, log } = this.#options;
    try {
      await publisher.room();
      for (const { job } of done) publisher.publish(job.out);
    } catch (error) {
      log.warn({ err: toEdgeError(error) }, 'the broker does not take the answers of the twins');
    }
  }

  #settle(waiting: Waiting, error: EdgeError | undefined): void {
    if (error && waiting.isLasting) {
      this.#lasting.push(waiting);
      return;
    }
    this.#bytes -= waiting.size;
    if (error) waiting.reject(error);
    else waiting.resolve();
  }

  #told(error: EdgeError | undefined): void {
    const failing = error !== undefined;
    if (failing === this.#failing) return;
    this.#failing = failing;
    const { log } = this.#options;
    if (failing) log.warn({ err: error }, 'twins could not be stored; it is tried again');
    else log.info({}, 'twins are stored again');
  }
}
