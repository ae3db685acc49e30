import { type DesiredBroker, desiredBroker, desiredDevices, EdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { Bus } from './bus.js';
import { credentialsOf, type Credentials } from './credentials.js';
import { Gate } from './gate.js';
import { Identification } from './identify.js';
import { Listeners, type ListenersConfig } from './listeners.js';
import type { ListenerShown } from './listener.js';
import { type ClientShown, MqttBroker } from './mqtt-broker.js';
import { claim } from './owner.js';
import type { Records } from './session-store.js';
import type { TlsCredentials } from './tls-door.js';

export interface CreateBrokerOptions {
  readonly node: { readonly hub: string; readonly project: string; readonly node: string };
  readonly desired: {
    read<T>(section: string, schema: z.ZodType<T>): T | undefined;
    onChange(section: string, listener: () => void): void;
  };
  readonly records: Records;
  /** The node's own certificate, now. */
  readonly credentials: () => TlsCredentials;
  /** What the node's owner decides: the plain listener, and ports that count for more than the hub's. */
  readonly owner: {
    readonly plain: boolean;
    readonly ports?: { readonly tls?: number; readonly webSocket?: number; readonly plain?: number };
  };
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>;
}

/** What the broker is doing. */
export interface BrokerStatus {
  readonly listeners: readonly ListenerShown[];
  readonly clients: readonly ClientShown[];
  readonly counters: Readonly<Record<string, number>>;
  readonly sessions: {
    readonly count: number;
    readonly subscriptions: number;
    readonly messages: number;
    readonly bytes: number;
  };
  readonly retained: { readonly count: number; readonly bytes: number };
  /** Messages per second. */
  readonly rates: { readonly received: number; readonly sent: number };
}

/** The node's broker, as the rest of the agent has it. */
export interface Broker {
  readonly bus: Bus;
  readonly presence: MqttBroker['presence'];
  /** Starts with what is on the disk; the hub need not be there. A port that is taken does not fail it. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Publishes in the agent's own name; resolves when it is on the disk, as far as it must be. */
  publish: MqttBroker['publish'];
  status(): BrokerStatus;
  /** The node's certificate is another one now. */
  renewed(): void;
}

const NOBODY: Credentials = credentialsOf({ devices: [], clients: [] });

export function createBroker(options: CreateBrokerOptions): Broker {
  return new NodeBroker(options);
}

class NodeBroker implements Broker {
  readonly bus = new Bus();
  readonly #options: CreateBrokerOptions;
  readonly #broker: MqttBroker;
  readonly #listeners: Listeners;
  #wanted: DesiredBroker = desiredBroker.parse({});
  #credentials = NOBODY;
  #isRunning = false;
  /** Changes of the listeners, one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: CreateBrokerOptions) {
    this.#options = options;
    const { node: place, records, clock, log } = options;
    const limits = (): DesiredBroker['limits'] => this.#wanted.limits;
    const { identify } = new Identification({
      ...{ place, clock, credentials: () => this.#credentials },
      anonymousLoopback: () => this.#wanted.anonymousLoopback,
    });
    this.#broker = new MqttBroker({ place, limits, records, bus: this.bus, identify, clock, log });
    const gate = new Gate({ limits, counters: this.#broker.counters, clock });
    this.#listeners = new Listeners({
      ...{ gate, limits, clock, log },
      attach: (stream, peer) => {
        this.#broker.attach(stream, peer);
      },
    });
  }

  get presence(): MqttBroker['presence'] {
    return this.#broker.presence;
  }

  async start(): Promise<void> {
    const { records, desired, node } = this.#options;
    this.#isRunning = true;
    await claim(records, `${node.hub}/${node.project}/${node.node}`);
    this.#read();
    await this.#broker.start();
    for (const section of ['broker', 'devices'])
      desired.onChange(section, () => {
        this.#changed();
      });
    await this.#listen();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#last;
    await this.#listeners.stop();
    await this.#broker.stop();
  }

  publish: MqttBroker['publish'] = (message) => this.#broker.publish(message);

  status(): BrokerStatus {
    const { clients, counters, sessions, retained, rates } = this.#broker;
    const { count, subscriptionCount: subscriptions, waiting } = sessions;
    return {
      ...{ listeners: this.#listeners.shown, clients, counters: counters.all },
      sessions: { count, subscriptions, ...waiting },
      retained: { count: retained.count, bytes: retained.bytes },
      rates: rates.perSecond,
    };
  }

  renewed(): void {
    void this.#listen();
  }

  #changed(): void {
    if (!this.#isRunning) return;
    this.#read();
    this.#broker
      .review(({ kind, id }) => kind === 'local' || this.#credentials.known.has(`${kind}/${id}`))
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'sessions of clients that were unbound could not be ended');
      });
    void this.#listen();
  }

  #read(): void {
    const wanted = this.#section('broker', desiredBroker);
    if (wanted !== 'unreadable') this.#wanted = wanted ?? desiredBroker.parse({});
    const devices = this.#section('devices', desiredDevices);
    if (devices !== 'unreadable') this.#credentials = devices === undefined ? NOBODY : credentialsOf(devices);
  }

  /** What cannot be read changes nothing. */
  #section<T>(section: string, schema: z.ZodType<T>): T | undefined | 'unreadable' {
    try {
      return this.#options.desired.read(section, schema);
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      this.#options.log.warn({ err: error }, 'what the hub wants of the broker cannot be read; it goes on as before');
      return 'unreadable';
    }
  }

  #listen(): Promise<void> {
    this.#last = this.#last
      .then(() => (this.#isRunning ? this.#listeners.set(this.#config()) : undefined))
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'the listeners of the broker could not be changed');
      });
    return this.#last;
  }

  #config(): ListenersConfig {
    const { owner, credentials } = this.#options;
    const { tls, webSocket, plain } = this.#wanted;
    const own = credentials();
    const byDefault = this.#credentials.logins.size > 0 ? 'optional' : 'required';
    const secure = ({ host, port, clientCertificates = byDefault }: DesiredBroker['tls']) =>
      ({ host, port, clientCertificates, ...own }) as const;
    const { ports = {} } = owner;
    return {
      ...(tls.enabled && { tls: secure({ ...tls, port: ports.tls ?? tls.port }) }),
      ...(webSocket.enabled && { webSocket: secure({ ...webSocket, port: ports.webSocket ?? webSocket.port }) }),
      ...(owner.plain && { plain: { host: plain.host, port: ports.plain ?? plain.port } }),
    };
  }
}
