import type { Client } from 'aedes';
import type { Clock } from '@selvage/reconcile';
import { mayPublish, type Place } from './acl.js';
import type { Bus, Message } from './bus.js';
import type { Counted, Counters } from './counters.js';
import { inner, type InnerClient } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';
import { type BrokerPacket, bytesOf } from './packet.js';
import type { Persistence } from './persistence.js';

export interface InboundOptions {
  readonly place: Place;
  readonly limits: () => BrokerLimits;
  readonly bus: Bus;
  readonly counters: Counters;
  readonly persistence: Persistence;
  readonly clock: Pick<Clock, 'now'>;
  readonly store: (packet: BrokerPacket) => Promise<void> | undefined;
  readonly emit: (packet: BrokerPacket) => void;
}

type Done = (error?: Error | null) => void;

/**
 * Takes the messages of clients: may it be published, is it stored where it must be, only then its acknowledgement. Messages of one
 * client are stored side by side, and delivered and acknowledged in the order in which they came [MQTT-4.6.0-2, -3].
 */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #turns = new WeakMap<InnerClient, Promise<unknown>>();

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** A message or will of a client; `done` lets its acknowledgement go, or closes the connection with an error. */
  receive(from: Client, packet: BrokerPacket, done: Done): void {
    const client = inner(from);
    this.#options.counters.add('received');
    const refused = this.#refusal(client, packet);
    if (refused !== undefined) {
      this.#options.counters.add(refused);
      done(new Error(`${refused}: ${packet.topic.slice(0, 200)}`));
      return;
    }
    if (packet.qos > 0) this.#inTurn(client, packet, done);
    else {
      for (const one of this.#taken(client, packet)) one?.catch(() => undefined);
      done(null);
    }
  }

  #refusal(client: InnerClient, { topic, qos, messageId = 0 }: BrokerPacket): Counted | undefined {
    const { place, limits, persistence } = this.#options;
    const { topicBytes, topicLevels, inflight } = limits();
    if (client.who === undefined || !mayPublish(client.who, topic, place)) return 'publish_denied';
    if (Buffer.byteLength(topic) > topicBytes || topic.split('/').length > topicLevels) return 'topic_too_long';
    const isNew = qos === 2 && !persistence.hasIncoming(client, messageId);
    return isNew && persistence.countIncoming(client) >= inflight ? 'too_many_inflight' : undefined;
  }

  #inTurn(client: InnerClient, packet: BrokerPacket, done: Done): void {
    const isRepeated = packet.qos === 2 && this.#options.persistence.hasIncoming(client, packet.messageId ?? 0);
    const accepted = isRepeated ? undefined : this.#accept(client, packet);
    const before = this.#turns.get(client);
    const finish = (error?: Error): void => {
      if (error === undefined && !isRepeated) this.#options.emit(packet);
      done(error ?? null);
    };
    if (before === undefined && accepted === undefined) {
      finish();
      return;
    }
    const turn = (before === undefined ? Promise.resolve(accepted) : before.then(() => accepted)).then((error) => {
      if (this.#turns.get(client) === turn) this.#turns.delete(client);
      finish(error);
    });
    this.#turns.set(client, turn);
  }

  /** Resolves when everybody who takes the message has it: with an error, when one of them does not. Undefined: nobody does. */
  #accept(client: InnerClient, packet: BrokerPacket): Promise<Error | undefined> | undefined {
    const waits = this.#waits(client, packet);
    if (waits.length === 0) return undefined;
    return Promise.all(waits).then(
      () => undefined,
      (error: unknown) => this.#refused(client, packet, error),
    );
  }

  /** What must be stored before a message is acknowledged; a taker may also throw at once. */
  #waits(client: InnerClient, packet: BrokerPacket): Promise<void>[] {
    const { persistence, store } = this.#options;
    const isExact = packet.qos === 2 && packet.messageId !== undefined;
    try {
      const taken = this.#taken(client, packet);
      const all = [...taken, store(packet), isExact ? persistence.take(client, packet) : undefined];
      return all.filter((one) => one !== undefined);
    } catch (error) {
      return [Promise.reject(error instanceof Error ? error : new Error('not stored'))];
    }
  }

  #refused(client: InnerClient, packet: BrokerPacket, error: unknown): Error {
    this.#options.counters.add('not_stored');
    // It comes again, and is no repetition then.
    if (packet.qos === 2 && packet.messageId !== undefined)
      this.#options.persistence.incomingDelPacket(client, packet).catch(() => undefined);
    return error instanceof Error ? error : new Error('not stored');
  }

  #taken({ who }: InnerClient, packet: BrokerPacket): (Promise<void> | undefined)[] {
    if (who === undefined) return [];
    const { topic, retain } = packet;
    const qos = packet.qos === 2 ? 2 : packet.qos === 1 ? 1 : 0;
    const at = this.#options.clock.now();
    const message: Message = { topic, payload: bytesOf(packet.payload), qos, retain, from: who, at };
    return this.#options.bus.takersOf(topic).map((taker) => taker(message));
  }
}
