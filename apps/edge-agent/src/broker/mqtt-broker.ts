import type { Client, Connection } from 'aedes';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { mayPublish, type Place, type Principal } from './acl.js';
import type { Bus } from './bus.js';
import { Counters } from './counters.js';
import { Delivery } from './delivery.js';
import { FrozenWatch } from './frozen.js';
import { Inbound } from './inbound.js';
import { inner, type InnerClient, type Peer } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';
import { OrderedAedes } from './ordered-aedes.js';
import { type BrokerPacket, bytesOf } from './packet.js';
import { MARKER, Persistence } from './persistence.js';
import { Presence } from './presence.js';
import { Rates } from './rates.js';
import { Retained } from './retained.js';
import { type Records, SessionStore, type SessionStoreOptions } from './session-store.js';
import { ownerOf } from './session-records.js';
import { REFUSED, Subscribing } from './subscribing.js';

/** How a client shows who it is: the certificate of its connection, or a user name and password. */
export interface Introduction {
  readonly peer: Peer;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
}

/** Who a client is, and whether that still holds: its certificate or login may be revoked, its device unbound. */
export interface Admission {
  readonly who: Principal;
  /** When it ends by itself, epoch milliseconds: a certificate runs out. */
  readonly endsAt?: number | undefined;
  readonly isCurrent: () => boolean;
}

export interface BrokerOptions {
  readonly place: Place;
  readonly limits: () => BrokerLimits;
  readonly records: Records;
  readonly bus: Bus;
  /** Who a client is; undefined: nobody that may come in. */
  readonly identify: (introduction: Introduction) => Promise<Admission | undefined>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn' | 'debug'>;
}

/** A connected client, as it is listed. */
export interface ClientShown {
  readonly id: string;
  readonly kind: Principal['kind'];
  readonly listener: Peer['listener'];
  readonly clean: boolean;
  readonly subscriptions: readonly string[];
  readonly unreadBytes: number;
}

type Verdict = (error: Error | null, isIn: boolean) => void;

const LOOK_MS = 1_000;
const CONNECT_MS = 10_000;
const UNKNOWN: Peer = { listener: 'plain' };

/** The node's MQTT broker: aedes between our sessions, our access rules and our limits. Listeners hand it connections. */
export class MqttBroker {
  readonly counters = new Counters();
  readonly rates = new Rates(this.counters);
  readonly presence = new Presence();
  readonly sessions: SessionStore;
  readonly retained: Retained;
  readonly #options: BrokerOptions;
  readonly #aedes: OrderedAedes;
  readonly #inbound: Inbound;
  readonly #subscribing: Subscribing;
  readonly #frozen: FrozenWatch;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { counters } = this;
    const { limits, records, clock, place, bus } = options;
    const dropped: SessionStoreOptions['dropped'] = (reason) => {
      counters.add(reason);
    };
    this.sessions = new SessionStore({ limits, records, clock, dropped });
    this.retained = new Retained({ limits, records, dropped });
    const delivery = new Delivery({ sessions: this.sessions, limits, counters });
    const persistence = new Persistence({ sessions: this.sessions, retained: this.retained, delivery });
    this.#subscribing = new Subscribing({ place, limits, counters });
    const store = (packet: BrokerPacket): Promise<void> | undefined => this.#keep(packet);
    const emit = (packet: BrokerPacket): void => {
      this.#aedes.emitNow(packet);
    };
    this.#inbound = new Inbound({ place, limits, bus, counters, persistence, clock, store, emit });
    this.#aedes = this.#newAedes(delivery, persistence);
    this.#frozen = new FrozenWatch({
      clients: () => this.#aedes.connected,
      frozenMs: () => limits().frozenMs,
      cutOff: (client, bytes) => {
        counters.add('frozen_client');
        options.log.info({ client: client.id, bytes }, 'a client that does not read was cut off');
        client.conn.destroy();
      },
    });
  }

  async start(): Promise<void> {
    await this.sessions.load();
    await this.retained.load();
    await this.#aedes.listen();
    this.#looking = setInterval(() => {
      const now = this.#options.clock.monotonic();
      this.rates.look(now);
      this.#frozen.look(now);
      this.#cutOffExpired();
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking);
    if (this.#aedes.closed) return;
    await new Promise<void>((resolve) => {
      this.#aedes.close(() => {
        resolve();
      });
    });
  }

  /** A connection of a listener. */
  attach(connection: Connection, peer = UNKNOWN): void {
    this.#aedes.attach(connection, peer);
  }

  /** Publishes in the agent's own name; resolves when it is on the disk, as far as it must be. */
  publish(message: { topic: string; payload: string | Buffer; qos?: 0 | 1; retain?: boolean }): Promise<void> {
    const { topic, payload, qos = 0, retain = false } = message;
    return new Promise((resolve, reject) => {
      this.#aedes.publish(
        { cmd: 'publish', topic, payload: bytesOf(payload), qos, retain, dup: false },
        (error?: Error | null) => {
          if (error) reject(error);
          else resolve();
        },
      );
    });
  }

  /** Cuts off the clients that may no longer be here, and ends the sessions of those that are nobody any more. */
  async review(isKnown: (who: Pick<Principal, 'kind' | 'id'>) => boolean): Promise<void> {
    for (const client of this.#aedes.connected) if (client.isCurrent?.() !== true) client.conn.destroy();
    const strangers = this.sessions.ids.filter((id) => !isKnown(ownerOf(id)));
    await Promise.all(strangers.map((id) => this.sessions.end(id)));
  }

  get clients(): ClientShown[] {
    return [...this.#aedes.connected].map(({ id, who, peer, clean, subscriptions, conn }) => ({
      id,
      kind: who?.kind ?? 'local',
      listener: (peer ?? UNKNOWN).listener,
      clean,
      subscriptions: Object.keys(subscriptions),
      unreadBytes: conn.writableLength,
    }));
  }

  #cutOffExpired(): void {
    const now = this.#options.clock.now();
    for (const { id, endsAt, conn } of this.#aedes.connected) {
      if (endsAt === undefined || endsAt > now) continue;
      this.counters.add('certificate_expired');
      this.#options.log.info({ client: id }, 'a client whose certificate has run out was cut off');
      conn.destroy();
    }
  }

  #newAedes(delivery: Delivery, persistence: Persistence): OrderedAedes {
    const { counters, presence } = this;
    const { limits } = this.#options;
    const { frozenMs, inflight } = limits();
    return new OrderedAedes({
      ...{ delivery, counters, presence, persistence, keep: (packet) => this.#keep(packet) },
      strict: {
        ...{ limits, counters },
        subscribing: (client, subscriptions) => {
          this.#subscribing.judge(client, subscriptions);
        },
      },
      // Ours are smaller, and may change; aedes' are the last resort. What comes with a CONNECT is one turn's bytes at most.
      ...{ concurrency: 0, queueLimit: 10_000, maxTopicLevels: 100, maxClientsIdLength: 1_024 },
      ...{ drainTimeout: frozenMs, maxInflightInbound: inflight, connectTimeout: CONNECT_MS },
      preConnect: (client, _packet, done) => {
        this.#preConnect(client, done);
      },
      authenticate: (...[client, username, password, done]) => {
        void this.#authenticate(client, { username, password }, done);
      },
      authorizePublish: (client, packet, done) => {
        if (client !== null) this.#inbound.receive(client, packet, done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        done(null, this.#isGranted(inner(client), subscription) ? subscription : null);
      },
    });
  }

  #preConnect(client: Client, done: Verdict): void {
    if (this.#aedes.connected.size < this.#options.limits().connections) done(null, !client.closed);
    else {
      this.counters.add('too_many_connections');
      done(new Error('too many connections'), false);
    }
  }

  async #authenticate(
    client: Client,
    shown: { username: string | undefined; password: Buffer | undefined },
    done: (error: null, isIn: boolean) => void,
  ): Promise<void> {
    const known = inner(client);
    const admission = await this.#options
      .identify({ peer: known.peer ?? UNKNOWN, ...shown })
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'a client could not be identified');
        return undefined;
      });
    if (admission === undefined || !this.#mayLeave(known, admission.who)) {
      this.counters.add('connect_refused');
      done(null, false);
      return;
    }
    const { who } = admission;
    // The client id is good within its identity only: nobody takes over the session of somebody else.
    Object.assign(known, admission, { id: `${who.kind}/${who.id}/${known.id}` });
    const hasRoom = known.clean || this.sessions.hasRoomFor(known.id);
    if (!hasRoom) this.counters.add('client_sessions_full');
    done(null, hasRoom);
  }

  /** Whether a client may publish the will that it brings. */
  #mayLeave({ _will }: InnerClient, who: Principal): boolean {
    return !_will || mayPublish(who, _will.topic, this.#options.place);
  }

  /** New subscriptions were judged when their packet came; those of a session that comes back are judged now. */
  #isGranted(client: InnerClient, { topic, qos }: { topic: string; qos: number }): boolean {
    if (qos === REFUSED || (topic === MARKER.topic && qos === MARKER.qos)) return false;
    if (client.connected) return true;
    const held = new Set(Object.keys(client.subscriptions));
    if (this.#subscribing.refusal(client, topic, held) === undefined) return true;
    this.counters.add('subscribe_denied');
    this.sessions.unsubscribe(client.id, [topic]).catch(() => undefined);
    return false;
  }

  #keep(packet: BrokerPacket): Promise<void> | undefined {
    const retained = packet.retain ? this.retained.store(packet) : undefined;
    if (packet.qos > 0) {
      const queued = this.sessions.enqueue(packet);
      return retained === undefined ? queued : Promise.all([retained, queued]).then(() => undefined);
    }
    // Nobody is told that a QoS 0 message is stored: it need not be waited for.
    retained?.catch(() => {
      this.counters.add('not_stored');
    });
    return undefined;
  }
}
