import { type DownFrame, EdgeError, frames, type Position, type Section, type SectionHashes } from '@selvage/protocol';
import { type Backoff, type Cancel, type Clock, delay } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { CallRegistry } from './calls.js';
import { Connection, type LinkIdentity } from './connection.js';
import { Conversation } from './conversation.js';
import type { MessageLink } from './messages.js';
import type { ReportedSource } from './uplink.js';

/** Where the desired state rests. */
export interface DesiredSink {
  readonly position: Position | null;
  hashes(): SectionHashes;
  /** Resolves when it is on the disk. An older state than the one that is there changes nothing. */
  apply(position: Position, sections: readonly Section[], gone: readonly string[]): Promise<void>;
}

export interface LinkOptions {
  /** `https://host:port` */
  readonly hubUrl: string;
  /** Read at every dial. */
  readonly identity: () => LinkIdentity;
  readonly agentVersion: string;
  /** Made anew at each start of the agent. */
  readonly boot: string;
  readonly desired: DesiredSink;
  readonly reported: ReportedSource;
  readonly calls: CallRegistry;
  /** What is stored and forwarded; none unless given. */
  readonly messages?: MessageLink;
  readonly clock: Clock;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
}

/** `since` in epoch milliseconds; `reason` says in words why it is not connected. */
export interface LinkStatus {
  readonly state: 'connected' | 'connecting' | 'refused';
  readonly since: number;
  readonly reason?: string;
}

/** Full jitter, so that ten thousand nodes that lost their hub together do not come back together. */
const BACKOFF: Backoff = { baseMs: 500, capMs: 15_000, floorMs: 50 };
/** A hub that refuses this node is asked less often. */
const REFUSED: Backoff = { baseMs: 2_000, capMs: 60_000, floorMs: 1_000 };
/** A link that lasted this long starts from the shortest delay when it breaks. */
const STEADY_MS = 10_000;
const WELCOME_MS = 20_000;
const TEMPORARY = new Set(['hub_unreachable', 'overloaded', 'database_unavailable', 'deadline_exceeded', 'internal']);

/** Keeps a link to the hub, for ever: dials, says hello, and when the link breaks dials again. */
export class Link {
  readonly #options: LinkOptions;
  readonly #refusedListeners: ((error: EdgeError) => void)[] = [];
  #status: LinkStatus;
  #attempts = 0;
  #retryAfterMs: number | undefined;
  #connection: Connection | undefined;
  #conversation: Conversation | undefined;
  #openedAt: number | undefined;
  #timer: Cancel | undefined;
  #running = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#status = { state: 'connecting', since: options.clock.now() };
    options.reported.onChange((name) => {
      this.#conversation?.changed(name);
    });
  }

  get status(): LinkStatus {
    return this.#status;
  }

  /** Told each time the hub refuses this node. */
  onRefused(listener: (error: EdgeError) => void): void {
    this.#refusedListeners.push(listener);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#dial();
  }

  stop(): Promise<void> {
    this.#running = false;
    this.#timer?.();
    this.#connection?.end(new EdgeError('hub_unreachable', 'The agent stops.'));
    return Promise.resolve();
  }

  /** Connects anew at once, after a new certificate for instance. */
  redial(): void {
    if (!this.#running) return;
    this.#attempts = 0;
    if (this.#connection !== undefined)
      this.#connection.end(new EdgeError('hub_unreachable', 'The agent connects anew.'));
    else this.#dial();
  }

  #dial(): void {
    const { hubUrl, identity, clock } = this.#options;
    this.#timer?.();
    this.#retryAfterMs = undefined;
    this.#openedAt = undefined;
    const connection = new Connection(hubUrl, identity(), {
      opened: () => {
        this.#hello(connection);
      },
      frame: (frame) => {
        this.#take(connection, frame);
      },
      closed: (error) => {
        this.#closed(error);
      },
    });
    this.#connection = connection;
    this.#timer = clock.timer(WELCOME_MS * 2, () => {
      connection.end(new EdgeError('hub_unreachable', 'The hub did not answer in time.'));
    });
  }

  #hello(connection: Connection): void {
    const { agentVersion: agent, boot, desired, reported } = this.#options;
    connection.send({
      t: 'hello',
      protocol: frames.LINK_PROTOCOL,
      agent,
      boot,
      stored: desired.position,
      desired: desired.hashes(),
      reported: reported.hashes(),
    });
  }

  #take(connection: Connection, frame: DownFrame): void {
    if (frame.t === 'welcome') this.#welcomed(connection, frame);
    else if (frame.t === 'refused') this.#retryAfterMs = frame.retryAfterMs;
    else if (this.#conversation === undefined) connection.end(new EdgeError('bad_request', 'The hub did not greet.'));
    else this.#conversation.take(frame);
  }

  #welcomed(connection: Connection, welcome: Extract<DownFrame, { t: 'welcome' }>): void {
    const { clock, log, hubUrl } = this.#options;
    this.#timer?.();
    this.#openedAt = clock.monotonic();
    this.#become({ state: 'connected' });
    log.info({ hub: hubUrl, version: welcome.hub }, 'connected to the hub');
    this.#conversation = new Conversation(connection, this.#options);
    this.#conversation.start(welcome);
  }

  #closed(error: EdgeError): void {
    const { clock, random = Math.random, log } = this.#options;
    this.#timer?.();
    this.#connection = undefined;
    this.#conversation?.stop();
    this.#conversation = undefined;
    if (!this.#running) return;
    if (this.#openedAt !== undefined && clock.monotonic() - this.#openedAt >= STEADY_MS) this.#attempts = 0;
    this.#attempts += 1;
    const refused = !TEMPORARY.has(error.code);
    const wait = (this.#retryAfterMs ?? 0) + delay(this.#attempts, refused ? REFUSED : BACKOFF, random);
    this.#say(error, refused, log);
    this.#timer = clock.timer(wait, () => {
      this.#dial();
    });
  }

  #say(error: EdgeError, refused: boolean, log: LinkOptions['log']): void {
    const news = this.#status.reason !== error.message;
    this.#become({ state: refused ? 'refused' : 'connecting', reason: error.message });
    if (news)
      log.warn({ code: error.code, reason: error.message }, refused ? 'the hub refused this node' : 'lost the hub');
    if (refused) for (const listener of this.#refusedListeners) listener(error);
  }

  #become(next: Pick<LinkStatus, 'state' | 'reason'>): void {
    const since = next.state === this.#status.state ? this.#status.since : this.#options.clock.now();
    this.#status = { ...next, since };
  }
}
