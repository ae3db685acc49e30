/** What the tests of the broker share. */
import { join } from 'node:path';
import { brokerLimits } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { tempDir } from '@selvage/testkit';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { Journal } from '../state/index.js';
import { Bus } from './bus.js';
import { Gate } from './gate.js';
import { Listeners, type ListenersOptions } from './listeners.js';
import { type Admission, MqttBroker } from './mqtt-broker.js';

const quiet = {
  info: (): void => undefined,
  warn: (): void => undefined,
  debug: (): void => undefined,
  error: (): void => undefined,
};
const grants = { publish: ['t/#'], subscribe: ['t/#'] };

/** A broker on a data folder, with a plain listener: user names say who a client is. */
export class Stage {
  readonly folder = tempDir();
  bus = new Bus();
  readonly revoked = new Set<string>();
  /** When the admission of a client runs out, epoch milliseconds. */
  readonly endsAt = new Map<string, number>();
  #broker: MqttBroker | undefined;
  #journal: Journal | undefined;
  #listeners: Listeners | undefined;
  readonly #clients: MqttClient[] = [];

  get broker(): MqttBroker {
    if (this.#broker === undefined) throw new Error('not started');
    return this.#broker;
  }

  get journal(): Journal {
    if (this.#journal === undefined) throw new Error('not started');
    return this.#journal;
  }

  get port(): number {
    return this.#listeners?.shown[0]?.port ?? 0;
  }

  async start(limits: object = {}): Promise<void> {
    this.#journal = new Journal({ path: join(this.folder.path, 'broker.db'), clock: systemClock, log: quiet });
    await this.#journal.start();
    const set = brokerLimits.parse(limits);
    const broker = new MqttBroker({
      place: { project: 'default', node: 'n1' },
      limits: () => set,
      records: this.#journal,
      bus: this.bus,
      identify: ({ username }) => Promise.resolve(this.#admission(username)),
      clock: systemClock,
      log: quiet,
    });
    await broker.start();
    this.#broker = broker;
    const gate = new Gate({ limits: () => set, counters: broker.counters, clock: systemClock });
    const attach: ListenersOptions['attach'] = broker.attach.bind(broker);
    this.#listeners = new Listeners({ gate, limits: () => set, clock: systemClock, log: quiet, attach });
    await this.#listeners.set({ plain: { host: '127.0.0.1', port: 0 } });
  }

  async connect(username: string, options: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync({
      port: this.port,
      host: '127.0.0.1',
      username,
      password: 'x',
      reconnectPeriod: 0,
      protocolVersion: 4,
      ...options,
    });
    client.on('error', () => undefined);
    this.#clients.push(client);
    return client;
  }

  #admission(username: string | undefined): Admission | undefined {
    if (username === undefined || username === 'stranger') return undefined;
    const who = { kind: 'device', id: username, grants } as const;
    return { who, endsAt: this.endsAt.get(username), isCurrent: () => !this.revoked.has(username) };
  }

  /** Ends without a goodbye: what is not in the journal now is gone. */
  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.endAsync(true);
    await this.#broker?.stop();
    await this.#listeners?.stop();
    await this.#journal?.stop();
  }
}

export const closing = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once('close', resolve));

export const heard = (client: MqttClient): string[] => {
  const all: string[] = [];
  client.on('message', (topic, payload, { qos, retain, dup }) => {
    all.push(`${topic}=${payload.toString()} q${qos}${retain ? 'r' : ''}${dup ? 'd' : ''}`);
  });
  return all;
};
