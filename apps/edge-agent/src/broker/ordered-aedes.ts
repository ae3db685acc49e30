import { Aedes, type AedesOptions, type Client, type Connection, type PublishPacket } from 'aedes';
import type { Counters } from './counters.js';
import type { Delivery } from './delivery.js';
import { inner, innerAedes, type InnerAedes, type InnerClient, type Peer, unregistering } from './inner.js';
import { coalesce, takeTurns } from './connection.js';
import { type BrokerPacket, bytesOf, EMITTED } from './packet.js';
import type { Presence } from './presence.js';
import { readStrictly, type StrictOptions } from './strict.js';

const inherited = unregistering(Aedes.prototype);

export interface OrderedOptions extends AedesOptions {
  readonly delivery: Delivery;
  readonly counters: Counters;
  readonly strict: StrictOptions;
  readonly presence: Presence;
  /** Stores a message where it must outlive the broker; undefined when it need not. Resolves when it is on the disk. */
  readonly keep: (packet: BrokerPacket) => Promise<void> | undefined;
}

type Done = (error?: Error) => void;

/**
 * aedes with its order of things put right. Aedes acknowledges a QoS 1 message and then stores and delivers it; here that is done first,
 * by `store` and `emitNow`, called from the hook that comes before the acknowledgement.
 */
export class OrderedAedes extends Aedes {
  readonly #options: OrderedOptions;
  readonly #connected = new Set<InnerClient>();
  readonly #inside: InnerAedes;

  constructor(options: OrderedOptions) {
    super(options);
    this.#options = options;
    this.#inside = innerAedes(this);
    const { delivery, counters } = options;
    this.on('subscribe', (_subscriptions, client) => {
      delivery.forget(inner(client));
    });
    this.on('unsubscribe', (_topics, client) => {
      delivery.forget(inner(client));
    });
    this.on('clientReady', (client) => {
      delivery.begin(inner(client));
    });
    this.on('client', (client) => {
      this.#register(inner(client));
    });
    // Aedes emits it when a store fails, and would end the process if nobody listened; its types leave this event out.
    this.on('error' as 'closed', () => {
      counters.add('not_stored');
    });
  }

  get connected(): ReadonlySet<InnerClient> {
    return this.#connected;
  }

  /** Aedes' own would also forget a client that took over meanwhile. */
  unregisterClient(client: InnerClient): void {
    const { clients } = this.#inside;
    if (clients[client.id] === client) inherited.unregisterClient.call(this, client);
    else this.connectedClients -= 1;
  }

  /** Of three clients that come with one id at once, aedes may lose sight of one: whoever has a connection is here. */
  #register(client: InnerClient): void {
    const { presence, delivery } = this.#options;
    this.#connected.add(client);
    presence.came(client.who);
    client.conn.once('close', () => {
      this.#connected.delete(client);
      presence.went(client.who);
      delivery.end(client);
    });
  }

  /** Takes a connection of a listener. */
  attach(connection: Connection, peer: Peer): void {
    const client = inner(this.handle(connection));
    client.peer = peer;
    coalesce(client);
    takeTurns(client);
    readStrictly(client, this.#options.strict);
    this.#options.delivery.adopt(client);
  }

  /** Stores a message, so that it may be acknowledged; undefined when there is nothing to store. */
  store(packet: BrokerPacket): Promise<void> | undefined {
    return this.#options.keep(packet);
  }

  /** Hands a message to those who are connected, once. */
  emitNow(packet: BrokerPacket, done: Done = nothing): void {
    packet[EMITTED] = true;
    this.#inside.counter += 1;
    const { topic, payload, qos, retain } = packet;
    const mark = { brokerId: this.id, brokerCounter: this.#inside.counter };
    const copy = { cmd: 'publish', topic, payload: bytesOf(payload), qos, retain, dup: false, ...mark };
    this.#inside.mq.emit(copy, done);
  }

  /** Hands a message to those who are connected; unless that was done already it is stored first. */
  override publish(packet: PublishPacket, clientOrDone: Client | Done | null, maybeDone?: Done): void {
    const done = (typeof clientOrDone === 'function' ? clientOrDone : maybeDone) ?? nothing;
    const message: BrokerPacket = packet;
    // What aedes says of itself to other brokers of a cluster: there are none.
    if (packet.topic.startsWith('$SYS/') || message[EMITTED] === true) {
      done();
      return;
    }
    const stored = this.store(message);
    if (stored === undefined) this.emitNow(message, done);
    else
      stored.then(() => {
        this.emitNow(message, done);
      }, done);
  }
}

function nothing(): void {
  return undefined;
}
