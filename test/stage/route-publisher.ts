import { until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';

/** A device that publishes numbers on a topic and notes which of them were acknowledged. A number is published once, never again. */
export class RoutePublisher {
  readonly acknowledged: number[] = [];
  #client: MqttClient | undefined;
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly port: number,
    readonly topic: string,
  ) {}

  start(): void {
    this.#running = this.#publish();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#client?.end(true);
  }

  async #publish(): Promise<void> {
    for (let n = 0; !this.#isOver; n += 1) {
      const client = await this.#connected();
      const gone = new Promise<false>((resolve) => {
        client.once('close', () => {
          resolve(false);
        });
      });
      const done = client.publishAsync(this.topic, JSON.stringify({ n }), { qos: 1 }).then(
        () => true,
        () => false,
      );
      if (await Promise.race([done, gone])) this.acknowledged.push(n);
      else this.#leave(client);
      client.removeAllListeners('close');
    }
  }

  #leave(client: MqttClient): void {
    client.end(true);
    this.#client = undefined;
  }

  async #connected(): Promise<MqttClient> {
    if (this.#client?.connected === true) return this.#client;
    const url = `mqtt://127.0.0.1:${this.port}`;
    await until(
      () =>
        connectAsync(url, { clientId: this.topic.replaceAll('/', '-'), reconnectPeriod: 0, protocolVersion: 4 }).then(
          (client) => ((this.#client = client.on('error', () => undefined)), true),
          () => false,
        ),
      { timeoutMs: 60_000, describe: () => 'the broker' },
    );
    if (this.#client === undefined) throw new Error('not connected');
    return this.#client;
  }
}
