import { type ReportedTwins, twinBucket } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';
import { reportedDevice } from './report.js';
import type { BoundDevice } from './twin-node.js';

/** Buckets that change all the time are encoded this often, milliseconds. */
const PACE_MS = 250;
/** Most buckets that are encoded at once. */
const AT_ONCE = 64;

export interface ReporterOptions {
  readonly reported: { set(section: string, value: ReportedTwins): void | Promise<void> };
  readonly clock: Pick<Clock, 'timer'>;
}

/** Reports what is stored of the devices, in as many sections as there are buckets with devices; only those that changed, and at a pace. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #buckets = new Map<string, Map<string, BoundDevice>>();
  readonly #dirty = new Set<string>();
  #resting: Cancel | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Reports all that is known, now: the hub is asked only for what it does not have. */
  start(): void {
    for (const bucket of this.#buckets.keys()) this.#report(bucket);
    this.#dirty.clear();
  }

  stop(): void {
    this.#resting?.();
    this.#resting = undefined;
  }

  /** What is on the disk of a device; undefined when it is gone. */
  keep(id: string, device: BoundDevice | undefined): void {
    const bucket = twinBucket(id);
    const members = this.#buckets.get(bucket) ?? new Map<string, BoundDevice>();
    this.#buckets.set(bucket, members);
    if (device) members.set(id, device);
    else members.delete(id);
    this.#dirty.add(bucket);
  }

  /** Reports what changed, unless it did so just now: then a little later. */
  flush(): void {
    if (this.#resting !== undefined || this.#dirty.size === 0) return;
    const due = [...this.#dirty].slice(0, AT_ONCE);
    for (const bucket of due) {
      this.#dirty.delete(bucket);
      this.#report(bucket);
    }
    this.#resting = this.#options.clock.timer(PACE_MS, () => {
      this.#resting = undefined;
      this.flush();
    });
  }

  /** What is on the disk of a device. */
  stored(id: string): BoundDevice | undefined {
    return this.#buckets.get(twinBucket(id))?.get(id);
  }

  #report(bucket: string): void {
    const members = [...(this.#buckets.get(bucket) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
    const section = { devices: members.map(([, device]) => reportedDevice(device)) };
    void this.#options.reported.set(bucket, section);
  }
}
