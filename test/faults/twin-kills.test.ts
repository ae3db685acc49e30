import { until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TwinSite, wantedDevice } from '../stage/twin-site.js';

const ROUNDS = 20;
const IDS = Array.from({ length: 10 }, (_, at) => `dev-${at}`);
const topic = (id: string, end: string): string => `$hw/events/device/${id}/twin/${end}`;

const version = z.object({ cloud: z.int(), edge: z.int() });
const side = z.object({ value: z.string() });
const key = z.object({ actual: side.optional(), actual_version: version.optional() });
const answer = z.object({ event_id: z.string(), code: z.int().optional(), twin: z.record(z.string(), key).optional() });

/** A ledger outside the process under test: what was acknowledged, and the highest version that was ever seen of each device. */
describe('SIGKILL of a node in the middle of updates', () => {
  const site = new TwinSite();
  const acked = new Map<string, number>();
  const sent = new Map<string, number>();
  const versions = new Map<string, number>();
  let unstored = 0;

  beforeAll(async () => {
    await site.start();
    site.want({ devices: { devices: IDS.map((id) => wantedDevice(id)), clients: [] }, twins: { devices: [] } });
    const client = await connect();
    await until(async () => (await get(client, IDS.at(-1) ?? '')).code === undefined, { describe: () => site.output });
    await client.endAsync(true);
  });
  afterAll(() => site.close());

  it('loses no acknowledged update and takes no version back', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = await connect();
      const before = total(acked);
      const flow = Promise.all(IDS.map((id) => updates(client, id)));
      const enough = 50 + round * 40;
      await until(() => total(acked) >= before + enough, {
        timeoutMs: 30_000,
        everyMs: 1,
        describe: () => `round ${round}: ${total(acked) - before} acknowledged; ${site.output}`,
      });
      await site.killAndStart();
      client.end(true);
      await flow;
      await check(round);
    }
    expect(unstored).toBeGreaterThan(0);
  });

  /** Publishes one after the other until the connection is gone. */
  async function updates(client: MqttClient, id: string): Promise<void> {
    for (;;) {
      const n = (sent.get(id) ?? 0) + 1;
      sent.set(id, n);
      const body = { event_id: `${id}-${n}`, twin: { n: { actual: { value: String(n) } } } };
      const isAcked = await published(client, id, JSON.stringify(body));
      if (!isAcked) return;
      acked.set(id, n);
    }
  }

  async function check(round: number): Promise<void> {
    const client = await connect();
    for (const id of IDS) {
      const { n } = (await get(client, id)).twin ?? {};
      const stored = Number(n?.actual?.value ?? 0);
      const edge = n?.actual_version?.edge ?? 0;
      const where = `round ${round}, ${id}`;
      expect(stored, where).toBeGreaterThanOrEqual(acked.get(id) ?? 0);
      expect(stored, where).toBeLessThanOrEqual(sent.get(id) ?? 0);
      expect(edge, where).toBeGreaterThanOrEqual(versions.get(id) ?? 0);
      if (stored < (sent.get(id) ?? 0)) unstored += 1;
      versions.set(id, edge);
      // Whatever was not acknowledged may or may not be there; from here on it is known.
      acked.set(id, Math.max(stored, acked.get(id) ?? 0));
    }
    await client.endAsync(true);
  }

  async function connect(): Promise<MqttClient> {
    const client = await connectAsync({ host: '127.0.0.1', port: site.port, reconnectPeriod: 0, protocolVersion: 4 });
    client.on('error', () => undefined);
    client.setMaxListeners(IDS.length * 2);
    return client;
  }

  async function get(client: MqttClient, id: string): Promise<z.infer<typeof answer>> {
    await client.subscribeAsync(topic(id, 'get/result'), { qos: 1 });
    const result = new Promise<z.infer<typeof answer>>((resolve) => {
      const listen = (from: string, payload: Buffer): void => {
        if (from !== topic(id, 'get/result')) return;
        client.off('message', listen);
        resolve(answer.parse(JSON.parse(payload.toString())));
      };
      client.on('message', listen);
    });
    await client.publishAsync(topic(id, 'get'), '{"event_id":"g","versions":true}', { qos: 1 });
    return result;
  }

  /** Whether it was acknowledged before the connection went. */
  function published(client: MqttClient, id: string, payload: string): Promise<boolean> {
    return new Promise((resolve) => {
      const gone = (): void => {
        resolve(false);
      };
      client.once('close', gone);
      if (client.disconnected) gone();
      client.publish(topic(id, 'update'), payload, { qos: 1 }, (error) => {
        client.off('close', gone);
        resolve(!error);
      });
    });
  }
});

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
