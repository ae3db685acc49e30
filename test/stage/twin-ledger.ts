import { connectAsync, type MqttClient } from 'mqtt';
import { z } from 'zod';

const topic = (id: string, end: string): string => `$hw/events/device/${id}/twin/${end}`;
const key = z.object({
  actual: z.object({ value: z.string() }).optional(),
  actual_version: z.object({ cloud: z.int(), edge: z.int() }).optional(),
});
const answer = z.object({ code: z.int().optional(), twin: z.record(z.string(), key).optional() });

/** What is known of one twin: the value that was acknowledged last, the one that was sent last, the highest version seen. */
interface Line {
  acknowledged: number;
  sent: number;
  version: number;
}

/** Devices that update their twins on a node's broker, and what they were told, kept outside the node. */
export class TwinLedger {
  readonly ids = Array.from({ length: 10 }, (_, at) => `dev-${at}`);
  readonly #lines = new Map<string, Line>(this.ids.map((id) => [id, { acknowledged: 0, sent: 0, version: 0 }]));
  /** Acknowledged updates, and looks at a twin that had lost an update which nobody had acknowledged. */
  acknowledged = 0;
  unstored = 0;

  /** Whether the node knows every device. */
  async isKnown(port: number): Promise<boolean> {
    const client = await this.connect(port);
    const { code } = await get(client, this.ids.at(-1) ?? '');
    await client.endAsync(true);
    return code === undefined;
  }

  async connect(port: number): Promise<MqttClient> {
    const client = await connectAsync({ host: '127.0.0.1', port, reconnectPeriod: 0, protocolVersion: 4 });
    client.on('error', () => undefined);
    client.setMaxListeners(this.ids.length * 2);
    return client;
  }

  /** Every device sends one update after the other until the connection is gone. */
  async sendAll(client: MqttClient): Promise<void> {
    await Promise.all([...this.#lines].map(([id, line]) => this.#send(client, id, line)));
  }

  /** What is wrong with the twins that the node has now, as sentences. */
  async problems(port: number): Promise<readonly string[]> {
    const client = await this.connect(port);
    const found: string[] = [];
    for (const [id, line] of this.#lines) {
      const { n } = (await get(client, id)).twin ?? {};
      const [stored, version] = [Number(n?.actual?.value ?? 0), n?.actual_version?.edge ?? 0];
      if (stored < line.acknowledged) found.push(`${id}: ${line.acknowledged} was acknowledged, ${stored} is there`);
      if (stored > line.sent) found.push(`${id}: ${stored} is there and was never sent`);
      if (version < line.version) found.push(`${id}: version went from ${line.version} back to ${version}`);
      if (stored < line.sent) this.unstored += 1;
      // Whatever was not acknowledged may or may not be there; from here on it is known.
      Object.assign(line, { acknowledged: Math.max(stored, line.acknowledged), version });
    }
    await client.endAsync(true);
    return found;
  }

  async #send(client: MqttClient, id: string, line: Line): Promise<void> {
    for (;;) {
      const n = (line.sent += 1);
      const body = { event_id: `${id}-${n}`, twin: { n: { actual: { value: String(n) } } } };
      if (!(await published(client, id, JSON.stringify(body)))) return;
      line.acknowledged = n;
      this.acknowledged += 1;
    }
  }
}

async function get(client: MqttClient, id: string): Promise<z.infer<typeof answer>> {
  const from = topic(id, 'get/result');
  await client.subscribeAsync(from, { qos: 1 });
  const result = new Promise<z.infer<typeof answer>>((resolve) => {
    const listen = (name: string, payload: Buffer): void => {
      if (name !== from) return;
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
    if (!client.connected) gone();
    client.publish(topic(id, 'update'), payload, { qos: 1 }, (error) => {
      client.off('close', gone);
      resolve(!error);
    });
  });
}
