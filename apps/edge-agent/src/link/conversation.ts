import { type DownFrame, EdgeError } from '@selvage/protocol';
import type { Cancel } from '@selvage/reconcile';
import { digest } from '@selvage/wire';
import { Calls } from './calls.js';
import type { Connection } from './connection.js';
import type { LinkOptions } from './link.js';
import { Uplink } from './uplink.js';

type Welcome = Extract<DownFrame, { t: 'welcome' }>;
type Wanted = Extract<DownFrame, { t: 'desired' }>;

/** The hub is gone after this many heartbeats without a word. */
const SILENT_BEATS = 1.5;
/** Heartbeats of many nodes spread by this share of their interval. */
const SPREAD = 0.2;

/** What is said on one connection after the hub has greeted: desired state down, reports up, heartbeats, calls. */
export class Conversation {
  readonly #calls: Calls;
  readonly #uplink: Uplink;
  #applying: Promise<void> = Promise.resolve();
  #heardAt = 0;
  #beat: Cancel | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: LinkOptions,
  ) {
    const send = connection.send.bind(connection);
    this.#calls = new Calls(options.calls, send);
    this.#uplink = new Uplink({ reported: options.reported, clock: options.clock, log: options.log, send });
  }

  start({ heartbeatMs, reported }: Welcome): void {
    this.#heardAt = this.options.clock.monotonic();
    this.#uplink.start(reported);
    this.options.messages?.open((frame) => {
      this.connection.send(frame);
    });
    this.#nextBeat(heartbeatMs);
  }

  stop(): void {
    this.#beat?.();
    this.#uplink.stop();
    this.options.messages?.close();
    this.#calls.cancelAll();
  }

  changed(section: string): void {
    this.#uplink.changed(section);
  }

  take(frame: DownFrame): void {
    this.#heardAt = this.options.clock.monotonic();
    switch (frame.t) {
      case 'desired':
        this.#applying = this.#applying.then(() => this.#apply(frame));
        return;
      case 'beat':
        if (frame.reread) this.#uplink.start({});
        return;
      case 'call':
        this.#calls.begin(frame);
        return;
      case 'credit':
        this.#calls.credit(frame.id, frame.bytes);
        return;
      case 'cancel':
        this.#calls.cancel(frame.id);
        return;
      case 'settled':
      case 'rejected':
        this.options.messages?.take(frame);
        return;
      case 'welcome':
      case 'refused':
        return;
    }
  }

  /** Confirms what is on the disk. What could not be stored is not confirmed: the hub sends it again. */
  async #apply({ position, sections, gone }: Wanted): Promise<void> {
    const { desired, log } = this.options;
    try {
      await desired.apply(position, sections, gone);
    } catch (error) {
      log.error({ err: error, revision: position.revision }, 'the desired state could not be stored');
      return;
    }
    this.connection.send({ t: 'stored', position: desired.position ?? position, desired: desired.hashes() });
  }

  #nextBeat(heartbeatMs: number): void {
    const { clock, random = Math.random, desired, reported } = this.options;
    const wait = heartbeatMs * (1 - random() * SPREAD);
    this.#beat = clock.timer(wait, () => {
      if (clock.monotonic() - this.#heardAt > heartbeatMs * SILENT_BEATS) {
        this.connection.end(new EdgeError('hub_unreachable', 'The hub went silent.'));
        return;
      }
      this.connection.send({
        t: 'heartbeat',
        desired: digest(desired.hashes()),
        reported: digest(reported.hashes()),
      });
      this.#nextBeat(heartbeatMs);
    });
  }
}
