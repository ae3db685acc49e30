import { frames, type Section, type SectionHashes, type UpFrame } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';
import { compare } from '@selvage/wire';
import type { Logger } from 'pino';

/** What this node reports, by section. */
export interface ReportedSource {
  hashes(): SectionHashes;
  get(name: string): Section | undefined;
  onChange(listener: (name: string) => void): void;
}

/** A section that changes all the time is sent this often, milliseconds: its latest state. */
const PACE_MS = 200;
/** Room for the frame around a section. */
const FRAME_ROOM = 1024;

export interface UplinkOptions {
  readonly reported: ReportedSource;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
  readonly send: (frame: UpFrame) => void;
}

/** Sends what changed of the reported state, on one connection: at once, and then at a pace. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #dirty = new Set<string>();
  #resting: Cancel | undefined;
  #open = true;

  constructor(options: UplinkOptions) {
    this.#options = options;
  }

  /** Sends what the hub does not have yet. */
  start(held: SectionHashes): void {
    for (const name of compare(this.#options.reported.hashes(), held).differ) this.#dirty.add(name);
    this.#flush();
  }

  /** A section changed. */
  changed(name: string): void {
    if (!this.#open) return;
    this.#dirty.add(name);
    if (this.#resting === undefined) this.#flush();
  }

  /** The connection is gone. */
  stop(): void {
    this.#open = false;
    this.#resting?.();
  }

  #flush(): void {
    if (this.#dirty.size === 0) return;
    for (const name of this.#dirty) this.#send(name);
    this.#dirty.clear();
    this.#resting = this.#options.clock.timer(PACE_MS, () => {
      this.#resting = undefined;
      this.#flush();
    });
  }

  #send(name: string): void {
    const { reported, send, log } = this.#options;
    const section = reported.get(name);
    if (section === undefined) return;
    if (section.body.byteLength <= frames.MAX_FRAME_UP - FRAME_ROOM) send({ t: 'report', section });
    else log.error({ section: name, bytes: section.body.byteLength }, 'a report is too large for the link');
  }
}
