import type { Counters } from './counters.js';
import { PublishEncoder } from './encode.js';
import { names } from './filters.js';
import type { InnerClient } from './inner.js';
import type { BrokerLimits } from '@selvage/protocol';
import type { BrokerPacket } from './packet.js';
import { PassingIds } from './passing-ids.js';
import type { Outgoing } from './session.js';
import { SessionOutlet } from './session-outlet.js';
import type { SessionStore } from './session-store.js';

export interface DeliveryOptions {
  readonly sessions: SessionStore;
  readonly limits: () => BrokerLimits;
  readonly counters: Counters;
}

/** What is remembered of a client while it is connected. */
interface Lane {
  /** It got its CONNACK: nothing is sent before. */
  begun: boolean;
  /** Topic → highest QoS of the client's subscriptions that name it. */
  readonly granted: Map<string, number>;
  /** Message that was delivered last: overlapping subscriptions bring it once [MQTT-3.3.5-1]. */
  last: number;
  readonly ids: PassingIds;
  outlet?: SessionOutlet;
}

type Done = (error?: Error | null) => void;

const MAX_GRANTED = 1_000;
/** PUBREL with its remaining length; the packet id follows. */
const PUBREL = [0x62, 0x02];

/**
 * Sends messages to subscribers, in place of aedes' own way: encoded once for all, never waiting for a client that does not read (it
 * loses what it may lose, and is cut off when it may lose nothing), and with the QoS of the subscription that promises most. Clients
 * with a session get QoS 1 and 2 from the session's queue only.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #encoder = PublishEncoder.forMany();
  readonly #queued = PublishEncoder.forQueues();
  readonly #lanes = new WeakMap<InnerClient, Lane>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Makes a client's deliveries go this way; right after it was made, before it subscribes. */
  adopt(client: InnerClient): void {
    const deliver = (packet: BrokerPacket, done: Done): void => {
      this.#deliver(client, packet, done);
    };
    client.deliver0 = deliver;
    client.deliverQoS = deliver;
  }

  /** A client got its CONNACK: what waits for it is sent. */
  begin(client: InnerClient): void {
    this.#lane(client).begun = true;
    if (client.clean) return;
    const session = this.#options.sessions.get(client.id);
    if (session === undefined) {
      // It gave way to another one meanwhile: its client comes again and begins a new one.
      client.conn.destroy();
      return;
    }
    const outlet = new SessionOutlet({
      ...{ client, session, limits: this.#options.limits },
      note: (message) => this.#options.sessions.note(client.id, message),
      send: (message) => {
        this.#write(client, this.#bytesOf(message));
      },
    });
    session.outlet = outlet;
    this.#lane(client).outlet = outlet;
    outlet.begin();
  }

  /** A client is gone. */
  end(client: InnerClient): void {
    const session = client.clean ? undefined : this.#options.sessions.get(client.id);
    // Somebody may have taken over already.
    if (session?.outlet === undefined || session.outlet !== this.#lane(client).outlet) return;
    session.outlet = undefined;
    // How long it is away is worth no alarm, and the journal says itself when the disk fails.
    this.#options.sessions.keep(client.id).catch(() => undefined);
  }

  /** An acknowledgement came that may be the last one of its message. */
  acknowledged(client: InnerClient, { cmd, messageId = 0 }: BrokerPacket): void {
    const by = cmd === 'puback' ? 'puback' : 'pubcomp';
    if (client.clean) this.#lane(client).ids.free(messageId, by === 'puback' ? 1 : 2);
    else this.#options.sessions.acknowledged(client.id, messageId, by);
  }

  /** Subscriptions of a client changed. */
  forget(client: InnerClient): void {
    this.#lanes.get(client)?.granted.clear();
  }

  #deliver(client: InnerClient, packet: BrokerPacket, done: Done): void {
    const lane = this.#lane(client);
    // Only what a new subscription brings has it set: the retained messages, of which there may be many.
    if (!packet.retain) {
      this.#send(client, lane, packet);
      done();
    } else if (this.#hasRoom(client)) this.#sendRetained(client, lane, { packet, done });
    else
      client.conn.once('drain', () => {
        if (client.closed) done();
        else this.#sendRetained(client, lane, { packet, done });
      });
  }

  #sendRetained(client: InnerClient, lane: Lane, { packet, done }: { packet: BrokerPacket; done: Done }): void {
    const qos = Math.min(packet.qos, this.#granted(client, lane, packet.topic));
    if (client.clean || qos === 0) {
      this.#send(client, lane, packet);
      done();
      return;
    }
    this.#options.sessions.enqueueFor(client.id, { ...packet, qos }).then(
      () => {
        done();
      },
      () => {
        client.conn.destroy();
        done();
      },
    );
  }

  #send(client: InnerClient, lane: Lane, packet: BrokerPacket): void {
    if (!lane.begun || client.closed || this.#isRepeated(lane, packet)) return;
    const qos = Math.min(packet.qos, this.#granted(client, lane, packet.topic));
    if (qos === 0) {
      if (this.#hasRoom(client)) this.#write(client, this.#encoder.zero(packet));
      else this.#options.counters.add('slow_client');
    } else if (client.clean) this.#sendWithId(client, lane, { packet, qos: qos === 2 ? 2 : 1 });
  }

  #sendWithId(client: InnerClient, { ids }: Lane, { packet, qos }: { packet: BrokerPacket; qos: 1 | 2 }): void {
    const messageId = this.#hasRoom(client) ? ids.take(qos) : undefined;
    if (messageId !== undefined) this.#write(client, this.#encoder.withId(packet, { qos, messageId, dup: false }));
    else {
      this.#options.counters.add('frozen_client');
      client.conn.destroy();
    }
  }

  #isRepeated(lane: Lane, { brokerId, brokerCounter = 0 }: BrokerPacket): boolean {
    const counter = brokerId ? brokerCounter : 0;
    if (counter !== 0 && counter === lane.last) return true;
    lane.last = counter;
    return false;
  }

  #hasRoom({ conn }: InnerClient): boolean {
    return conn.writableLength <= this.#options.limits().unreadBytes;
  }

  #bytesOf({ cmd, topic, payload, qos, retain, messageId = 0, sent }: Outgoing): Buffer {
    if (cmd === 'pubrel') return Buffer.from([...PUBREL, messageId >> 8, messageId & 0xff]);
    return this.#queued.withId({ cmd, topic, payload, qos, retain }, { qos, messageId, dup: sent });
  }

  #write({ conn }: InnerClient, bytes: Buffer): void {
    if (conn.destroyed) return;
    this.#options.counters.add('sent');
    conn.write(bytes);
  }

  #lane(client: InnerClient): Lane {
    const known = this.#lanes.get(client);
    if (known !== undefined) return known;
    const fresh: Lane = { begun: false, granted: new Map<string, number>(), last: 0, ids: new PassingIds() };
    this.#lanes.set(client, fresh);
    return fresh;
  }

  #granted({ subscriptions }: InnerClient, { granted }: Lane, topic: string): number {
    const known = granted.get(topic);
    if (known !== undefined) return known;
    const all = Object.entries(subscriptions).filter(([filter]) => names(filter, topic));
    const most = Math.max(0, ...all.map(([, { qos }]) => qos));
    if (granted.size >= MAX_GRANTED) granted.clear();
    granted.set(topic, most);
    return most;
  }
}
