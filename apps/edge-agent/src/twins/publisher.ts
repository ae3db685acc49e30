import { parseTopic } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { within } from './deadline.js';

const MIB = 1024 * 1024;
/** Bytes that may be on their way to the broker; more waits. */
const MAX_UNDER_WAY = 32 * MIB;
/** A broker that does not take a message by then has lost it, milliseconds. */
const DEADLINE_MS = 30_000;
const STOP_MS = 2_000;

/** A message for clients. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
}

export type Publish = (message: Outgoing & { readonly qos: 1; readonly retain: false }) => Promise<void>;

export interface PublisherOptions {
  readonly publish: Publish;
  readonly clock: Pick<Clock, 'timer'>;
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * Hands messages to the broker, those about one device strictly one after the other: the broker may take longer over one topic than over
 * the next. QoS 1, so that each subscriber gets the QoS that it asked for.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #lanes = new Map<string, Promise<void>>();
  #underWay = 0;
  #failing = false;
  #isStopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when the broker has taken enough of what it was given. @throws EdgeError `deadline_exceeded` */
  async room(): Promise<void> {
    while (this.#underWay > MAX_UNDER_WAY)
      await within(Promise.race(this.#lanes.values()), this.#options.clock, DEADLINE_MS);
  }

  /** Publishes in this order, after what came before of the same devices. What cannot be published is lost, and logged. */
  publish(messages: readonly Outgoing[]): void {
    let lane = '';
    for (const message of messages) {
      const topic = parseTopic(message.topic);
      // What is said of the node goes with what was said before of one of its devices.
      if (topic?.kind === 'device') lane = topic.device;
      this.#line(lane, message);
    }
  }

  /** Resolves when everything is published, or the broker, which may have ended, did not take it for a while. */
  async stop(): Promise<void> {
    const { clock, log } = this.#options;
    if (this.#isStopped) return;
    try {
      await within(this.#idle(), clock, STOP_MS);
    } catch (error) {
      log.warn({ err: error, answers: this.#lanes.size }, 'the broker did not take the last answers');
    }
    this.#isStopped = true;
  }

  async #idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes.values());
  }

  #line(lane: string, message: Outgoing): void {
    const before = this.#lanes.get(lane);
    const size = sizeOf(message);
    this.#underWay += size;
    const sent = (before ? before.then(() => this.#send(message)) : this.#send(message)).then(() => {
      this.#underWay -= size;
      if (this.#lanes.get(lane) === sent) this.#lanes.delete(lane);
    });
    this.#lanes.set(lane, sent);
  }

  async #send(message: Outgoing): Promise<void> {
    const { publish, clock, log } = this.#options;
    if (this.#isStopped) return;
    try {
      await within(publish({ ...message, qos: 1, retain: false }), clock, DEADLINE_MS);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) log.warn({ err: error, topic: message.topic }, 'answers to clients were lost');
      this.#failing = true;
    }
  }
}

/** Bytes that a message takes while it waits, about. */
export function sizeOf({ topic, payload }: Outgoing): number {
  return topic.length + payload.length + 256;
}
