import { freePort, tempDir, until } from '@selvage/testkit';
import { connect, type IClientOptions, type MqttClient, Store } from 'mqtt';
import { bundleBroker } from '../conformance/brokers/selvage.js';
import { PowerCutDisk } from './power-cut-disk.js';
import { Program } from './process.js';

const TOPICS = ['k/1', 'k/2'];
const RETAINED = ['r/1', 'r/2'];

/** One publisher's numbers, which begin with 0: sent, acknowledged, and the one that the subscriber has to see next. */
interface Lane {
  readonly topic: string;
  readonly qos: 1 | 2;
  sent: number;
  acknowledged: number;
  next: number;
}

/** Our broker on a disk whose power can be cut, its clients, and a ledger of what they were told and saw. */
export class PowerCutBroker {
  readonly #folder = tempDir('selvage-broker-');
  readonly #disk = new PowerCutDisk(this.#folder.path);
  readonly #lanes: Lane[] = [...TOPICS, ...RETAINED].flatMap((topic) =>
    (topic.startsWith('r') ? [1 as const] : [1 as const, 2 as const]).map((qos) => ({
      ...{ topic, qos, sent: -1, acknowledged: -1, next: 0 },
    })),
  );
  readonly #clients: MqttClient[] = [];
  /** Kept while the subscriber is away, as a client has to. */
  readonly #kept = { incomingStore: new Store({ clean: false }), outgoingStore: new Store({ clean: false }) };
  #subscriber: MqttClient | undefined;
  #server: Program | undefined;
  #port = 0;
  #isOver = false;
  #publishing: readonly Promise<void>[] = [];
  acknowledged = 0;
  /** What went wrong so far, as sentences. */
  readonly problems: string[] = [];

  async start(): Promise<void> {
    await this.#disk.on();
    this.#port = await freePort();
    const ports = [String(this.#port), String(await freePort())];
    const command = [process.execPath, await bundleBroker(), this.#folder.path, ...ports];
    this.#server = new Program('broker', command);
    this.#server.start();
    this.#subscriber = await this.#client('subscriber', this.#kept);
    this.#subscriber.on('message', (topic, payload) => {
      this.#see(topic, payload.toString());
    });
    await this.#subscriber.subscribeAsync(['k/#', 'r/#'], { qos: 2 });
    this.#publishing = this.#lanes.map((lane) => this.#publish(lane));
  }

  /** Cuts the power after so many more acknowledgements. */
  async cutAfter(acknowledgements: number): Promise<void> {
    const [server, enough] = [this.#server, this.acknowledged + acknowledgements];
    if (server === undefined) throw new Error('start the broker first');
    const describe = (): string => `acknowledgements; ${server.output}`;
    await until(() => this.acknowledged >= enough, { everyMs: 1, describe });
    await this.#disk.cut(server.pid);
    await server.stop('SIGKILL');
    await this.#disk.on();
    server.start();
  }

  async leave(): Promise<void> {
    await this.#subscriber?.endAsync(true);
  }

  /** The subscriber is there again, or stays, and sees all that was acknowledged by now. */
  async comeAndSeeAll(): Promise<void> {
    if (this.#subscriber?.disconnecting === true) this.#subscriber.reconnect(this.#kept);
    const due = this.#lanes.map((lane) => ({ lane, last: lane.acknowledged }));
    const missing = (): string[] =>
      due.filter(({ lane, last }) => lane.next <= last).map(({ lane, last }) => `${last} of ${nameOf(lane)}`);
    await until(() => missing().length === 0 || this.problems.length > 0, {
      describe: () => `the subscriber to see ${missing().join(', ')}`,
    });
  }

  /** A new subscriber gets of each topic the retained value that was acknowledged last, or a newer one. */
  async checkRetained(): Promise<void> {
    const due = new Map(this.#lanes.map((lane) => [lane.topic, lane.acknowledged]));
    const client = await this.#connect();
    const seen = new Set<string>();
    client.on('message', (topic, payload, { retain }) => {
      if (!retain) return;
      seen.add(topic);
      const { value } = JSON.parse(payload.toString()) as { value: number };
      const [last, sent] = [due.get(topic) ?? -1, this.#lanes.find((lane) => lane.topic === topic)?.sent ?? -1];
      if (value < last) this.problems.push(`${topic} retains ${value}, and ${last} was acknowledged`);
      if (value > sent) this.problems.push(`${topic} retains ${value}, which was never sent`);
    });
    await client.subscribeAsync('r/#', { qos: 1 });
    await until(() => seen.size === RETAINED.length, { everyMs: 1, describe: () => 'the retained messages' });
    await client.endAsync(true);
  }

  /** No more messages; resolves when every one is acknowledged and seen. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#publishing);
    await this.comeAndSeeAll();
  }

  async close(): Promise<void> {
    for (const one of this.#clients) await one.endAsync(true);
    await this.#server?.stop('SIGKILL');
    await this.#disk.remove();
    this.#folder.remove();
  }

  async #client(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
    const stays = { clientId, clean: false, connectTimeout: 5_000, resubscribe: false } as const;
    const made = await this.#connect({ ...stays, ...options });
    this.#clients.push(made);
    return made;
  }

  /** Tries until the broker listens. */
  async #connect(options: IClientOptions = {}): Promise<MqttClient> {
    const place = { host: '127.0.0.1', port: this.#port, protocolVersion: 4, reconnectPeriod: 20 } as const;
    const made = connect({ ...place, ...options });
    made.on('error', () => undefined);
    await until(() => made.connected, { everyMs: 2, describe: () => `the broker to listen; ${this.#server?.output}` });
    return made;
  }

  /** Publishes numbers, each when the one before was acknowledged, until it is over. */
  async #publish(lane: Lane): Promise<void> {
    const { topic, qos } = lane;
    const publisher = await this.#client(`p-${topic}-${qos}`);
    while (!this.#isOver) {
      const value = (lane.sent += 1);
      await publisher.publishAsync(topic, JSON.stringify({ qos, value }), { qos, retain: topic.startsWith('r') });
      lane.acknowledged = value;
      this.acknowledged += 1;
    }
  }

  #see(topic: string, payload: string): void {
    const { qos, value } = JSON.parse(payload) as { qos: number; value: number };
    const lane = this.#lanes.find((one) => one.topic === topic && one.qos === qos);
    if (lane === undefined) return;
    if (value === lane.next) lane.next += 1;
    else if (value > lane.next) this.problems.push(`${nameOf(lane)}: ${value} came, and ${lane.next} never did`);
    else if (qos === 2) this.problems.push(`${nameOf(lane)}: ${value} came twice`);
  }
}

function nameOf({ topic, qos }: Lane): string {
  return `${topic} with QoS ${qos}`;
}
