import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir, until } from '@selvage/testkit';
import { connectAsync, type MqttClient } from 'mqtt';
import { z } from 'zod';
import { bundleProgram } from './peer-program.js';
import { PowerCutDisk } from './power-cut-disk.js';
import { Program } from './process.js';
import { wantedDevice } from './twin-site.js';

const IDS = Array.from({ length: 10 }, (_, at) => `dev-${at}`);
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

/** A node's broker and twins on a disk whose power can be cut, devices that update their twins, and a ledger of what they were told. */
export class PowerCutTwins {
  readonly #folder = tempDir('selvage-twins-');
  readonly #disk = new PowerCutDisk(this.#folder.path);
  #node: Program | undefined;
  #port = 0;
  readonly #ledger = new Map<string, Line>(IDS.map((id) => [id, { acknowledged: 0, sent: 0, version: 0 }]));
  /** Acknowledged updates, and looks at a twin that had lost an update which nobody had acknowledged. */
  acknowledged = 0;
  unstored = 0;

  async start(): Promise<void> {
    this.#port = await freePort();
    const command = [process.execPath, await bundleProgram('twin-server'), this.#folder.path, String(this.#port)];
    this.#node = new Program('twins', command);
    await this.#begin(this.#node);
    const devices = { devices: IDS.map((id) => wantedDevice(id)), clients: [] };
    writeFileSync(join(this.#folder.path, 'wanted.json'), JSON.stringify({ devices, twins: { devices: [] } }));
    process.kill(this.#node.pid, 'SIGHUP');
    const client = await this.#connect();
    await until(async () => (await get(client, IDS.at(-1) ?? '')).code === undefined, {
      describe: () => this.#node?.output ?? '',
    });
    await client.endAsync(true);
  }

  /** Lets all devices send updates until so many are acknowledged, and cuts the power in the middle. */
  async cutAfter(updates: number): Promise<void> {
    const node = this.#node;
    if (node === undefined) throw new Error('start the node first');
    const client = await this.#connect();
    const flow = Promise.all([...this.#ledger].map(([id, line]) => this.#send(client, id, line)));
    const enough = this.acknowledged + updates;
    await until(() => this.acknowledged >= enough, { everyMs: 1, describe: () => `updates; ${node.output}` });
    await this.#disk.cut(node.pid);
    await node.stop('SIGKILL');
    // What was acknowledged before the cut may still be on its way to here.
    await flow;
    client.end(true);
    await this.#begin(node);
  }

  /** What is wrong with the twins, as sentences. */
  async problems(): Promise<readonly string[]> {
    const client = await this.#connect();
    const found: string[] = [];
    for (const [id, line] of this.#ledger) {
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

  async close(): Promise<void> {
    await this.#node?.stop('SIGKILL');
    await this.#disk.remove();
    this.#folder.remove();
  }

  async #begin(node: Program): Promise<void> {
    await this.#disk.on();
    node.clear();
    node.start();
    await until(() => node.output.includes('listening') || !node.running, { everyMs: 2 });
    if (!node.running) throw new Error(`the node ended; it said:\n${node.output}`);
  }

  /** Sends one update after the other until the connection is gone. */
  async #send(client: MqttClient, id: string, line: Line): Promise<void> {
    for (;;) {
      const n = (line.sent += 1);
      const body = { event_id: `${id}-${n}`, twin: { n: { actual: { value: String(n) } } } };
      if (!(await published(client, id, JSON.stringify(body)))) return;
      line.acknowledged = n;
      this.acknowledged += 1;
    }
  }

  async #connect(): Promise<MqttClient> {
    const client = await connectAsync({ host: '127.0.0.1', port: this.#port, reconnectPeriod: 0, protocolVersion: 4 });
    client.on('error', () => undefined);
    client.setMaxListeners(IDS.length * 2);
    return client;
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
