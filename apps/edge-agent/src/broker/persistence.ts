import { Readable } from 'node:stream';
import type { Delivery } from './delivery.js';
import type { InnerClient } from './inner.js';
import type { BrokerPacket } from './packet.js';
import type { Retained } from './retained.js';
import type { SessionStore } from './session-store.js';

interface ClientId {
  readonly id: string;
  readonly clean?: boolean;
}
interface SubscriptionOf {
  readonly topic: string;
  readonly qos: number;
}

export interface PersistenceOptions {
  readonly sessions: SessionStore;
  readonly retained: Retained;
  readonly delivery: Delivery;
}

/** A stored subscription in the form of MQTT 5, whose options mean nothing here. */
const OLD_OPTIONS = { rh: 0, rap: false, nl: false };
/** Stands for a session without subscriptions, which aedes would take for none; it is not granted. */
export const MARKER = { topic: 'session', qos: 128, ...OLD_OPTIONS };

/** Our sessions and retained messages by the names under which aedes asks for them. */
export class Persistence {
  /** QoS 2 messages of clients whose session ends with their connection. */
  readonly #passing = new Map<string, Set<number>>();
  readonly #wills = new Map<string, BrokerPacket>();
  /** Messages that were taken just now, and are no repetitions of themselves. */
  readonly #fresh = new WeakSet<BrokerPacket>();
  readonly #stored = new WeakMap<readonly SubscriptionOf[], Promise<void>>();

  constructor(private readonly options: PersistenceOptions) {}

  /** Whether a QoS 2 message of this client was taken already and waits for its PUBREL. */
  hasIncoming(client: ClientId, messageId: number): boolean {
    return this.#incoming(client)?.has(messageId) === true;
  }

  countIncoming(client: ClientId): number {
    return this.#incoming(client)?.size ?? 0;
  }

  /** Notes that a QoS 2 message was taken; in the same moment as the message itself is stored, so that both are on the disk or none. */
  async take({ id, clean }: ClientId, packet: BrokerPacket): Promise<void> {
    const { messageId = 0 } = packet;
    this.#fresh.add(packet);
    if (clean === true) this.#passing.set(id, (this.#passing.get(id) ?? new Set<number>()).add(messageId));
    else await this.options.sessions.took(id, messageId);
  }

  async setup(): Promise<void> {
    // The broker starts when everything has been read.
  }

  async storeRetained(packet: BrokerPacket): Promise<void> {
    await this.options.retained.store(packet);
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    return Readable.from(this.options.retained.matching([...new Set(patterns)]));
  }

  /** Aedes asks once for every subscription of a packet, with all of them: they are stored once, and those that were granted. */
  addSubscriptions({ id }: ClientId, all: readonly SubscriptionOf[]): Promise<void> {
    const known = this.#stored.get(all);
    if (known !== undefined) return known;
    const granted = all.filter(({ qos }) => qos <= 2);
    const stored = this.options.sessions.subscribe(id, granted);
    this.#stored.set(all, stored);
    return stored;
  }

  removeSubscriptions({ id }: ClientId, topics: readonly string[]): Promise<void> {
    return this.options.sessions.unsubscribe(id, topics);
  }

  /** A client comes to stay: from now on it has a session, with subscriptions or without. */
  async subscriptionsByClient({ id }: ClientId): Promise<(SubscriptionOf & typeof OLD_OPTIONS)[]> {
    const there = this.options.sessions.get(id);
    await this.options.sessions.keep(id);
    if (there === undefined) return [];
    if (there.subscriptions.size === 0) return [{ ...MARKER }];
    return [...there.subscriptions].map(([topic, qos]) => ({ topic, qos, ...OLD_OPTIONS }));
  }

  countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const { subscriptionCount: subsCount, count: clientsCount } = this.options.sessions;
    return Promise.resolve({ subsCount, clientsCount });
  }

  /** Queues are filled before the acknowledgement: aedes, which would do it after, finds nothing to do. */
  subscriptionsByTopic(): Promise<[]> {
    return Promise.resolve([]);
  }

  outgoingEnqueueCombi(): Promise<void> {
    return Promise.resolve();
  }

  cleanSubscriptions({ id }: ClientId): Promise<void> {
    return this.options.sessions.end(id);
  }

  outgoingEnqueue({ clientId }: { clientId: string }, packet: BrokerPacket): Promise<void> {
    return this.options.sessions.enqueueFor(clientId, packet);
  }

  /** Of what is under way, aedes tells the PUBREL only. */
  outgoingUpdate({ id }: ClientId, { messageId = 0 }: BrokerPacket): Promise<void> {
    return this.options.sessions.released(id, messageId);
  }

  outgoingClearMessageId(client: InnerClient, packet: BrokerPacket): Promise<undefined> {
    this.options.delivery.acknowledged(client, packet);
    return Promise.resolve(undefined);
  }

  /** What waits for a client is sent by its session's outlet. */
  outgoingStream(): Readable {
    return Readable.from([]);
  }

  /** It was noted together with the message. */
  async incomingStorePacket(client: ClientId, packet: BrokerPacket): Promise<void> {
    if (!this.#fresh.delete(packet)) await this.take(client, packet);
  }

  incomingGetPacket(client: ClientId, packet: BrokerPacket): Promise<BrokerPacket> {
    if (!this.#fresh.has(packet) && this.hasIncoming(client, packet.messageId ?? 0)) return Promise.resolve(packet);
    return Promise.reject(new Error('no such packet'));
  }

  async incomingDelPacket({ id, clean }: ClientId, { messageId = 0 }: BrokerPacket): Promise<void> {
    if (clean === true) this.#passing.get(id)?.delete(messageId);
    else await this.options.sessions.completed(id, messageId);
  }

  cleanIncoming({ id }: ClientId): Promise<void> {
    this.#passing.delete(id);
    return Promise.resolve();
  }

  putWill({ id }: ClientId, will: BrokerPacket): Promise<void> {
    this.#wills.set(id, will);
    return Promise.resolve();
  }

  delWill({ id }: ClientId): Promise<BrokerPacket | undefined> {
    const will = this.#wills.get(id);
    this.#wills.delete(id);
    return Promise.resolve(will);
  }

  /** Wills of other brokers of a cluster: there are none. */
  streamWill(): Readable {
    return Readable.from([]);
  }

  async destroy(): Promise<void> {
    // The records are closed by whoever opened them.
  }

  #incoming({ id, clean }: ClientId): ReadonlySet<number> | undefined {
    return clean === true ? this.#passing.get(id) : this.options.sessions.get(id)?.incoming;
  }
}
