import { freePort, type TempDir, tempDir, until } from '@selvage/testkit';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleBroker } from '../conformance/brokers/selvage.js';
import { ServerProgram } from '../conformance/brokers/server-program.js';

const KILLS = 20;
const TOPICS = ['k/1', 'k/2', 'k/3'];

/** What was published, acknowledged and delivered, by topic and QoS. */
class Ledger {
  readonly acknowledged = new Map<string, number[]>();
  readonly delivered = new Map<string, number[]>();
  count = 0;

  note(book: 'acknowledged' | 'delivered', lane: string, value: number): void {
    const line = this[book].get(lane) ?? [];
    line.push(value);
    this[book].set(lane, line);
    if (book === 'acknowledged') this.count += 1;
  }
}

describe('SIGKILL of the broker, again and again', () => {
  let folder: TempDir;
  let server: ServerProgram;
  let port: number;
  const ledger = new Ledger();
  const clients: MqttClient[] = [];
  let isOver = false;

  async function client(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
    const stays = { clientId, clean: false, reconnectPeriod: 20, connectTimeout: 5_000, resubscribe: false } as const;
    const made = await connectAsync({ host: '127.0.0.1', port, protocolVersion: 4, ...stays, ...options });
    made.on('error', () => undefined);
    clients.push(made);
    return made;
  }

  /** Publishes numbers, each when the one before was acknowledged, until it is over. */
  async function publishes(topic: string, qos: 1 | 2): Promise<void> {
    const publisher = await client(`p-${topic}-${qos}`);
    for (let value = 0; !isOver; value += 1) {
      await publisher.publishAsync(topic, JSON.stringify({ qos, value }), { qos });
      ledger.note('acknowledged', `${topic} ${qos}`, value);
    }
  }

  beforeAll(async () => {
    folder = tempDir('broker-kills-');
    port = await freePort();
    const command = [process.execPath, await bundleBroker(), folder.path, String(port), String(await freePort())];
    server = new ServerProgram('broker', command, port);
    await server.start();
  });
  afterAll(async () => {
    for (const one of clients) await one.endAsync(true);
    await server.stop('SIGKILL');
    folder.remove();
  });

  it(`loses nothing that was acknowledged, keeps the order, and brings QoS 2 once, over ${KILLS} kills`, async () => {
    const reader = await client('reader');
    reader.on('message', (topic, payload) => {
      const { qos, value } = JSON.parse(payload.toString()) as { qos: number; value: number };
      ledger.note('delivered', `${topic} ${qos}`, value);
    });
    await reader.subscribeAsync('k/#', { qos: 2 });
    const publishing = TOPICS.flatMap((topic) => [publishes(topic, 1), publishes(topic, 2)]);
    for (let round = 0; round < KILLS; round += 1) {
      // Another instant each round: so many acknowledgements after it began to answer again.
      const enough = ledger.count + 20 + ((round * 7) % 40);
      await until(() => ledger.count >= enough, { timeoutMs: 60_000, everyMs: 1, describe: () => `round ${round}` });
      await server.stop('SIGKILL');
      await server.start();
    }
    isOver = true;
    await Promise.all(publishing);
    const [lanes, missing] = [[...ledger.acknowledged.keys()], (): string[] => lanes.filter(isMissing)];
    await until(() => missing().length === 0, {
      timeoutMs: 60_000,
      describe: () => `what came of ${missing().join()}`,
    });
    for (const lane of lanes) {
      const came = ledger.delivered.get(lane) ?? [];
      expect([...new Set(came)], lane).toEqual(ledger.acknowledged.get(lane));
      if (lane.endsWith('2')) expect(came, lane).toEqual(ledger.acknowledged.get(lane));
    }
    expect(server.trouble()).toBeUndefined();
  });

  function isMissing(lane: string): boolean {
    return ledger.delivered.get(lane)?.at(-1) !== ledger.acknowledged.get(lane)?.at(-1);
  }
});
