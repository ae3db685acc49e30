import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir, until } from '@selvage/testkit';
import { bundleProgram } from './bundle.js';
import { PowerCutDisk } from './power-cut-disk.js';
import { Program } from './process.js';
import { TwinLedger } from './twin-ledger.js';
import { wantedDevice } from './twin-site.js';

/** A node's broker and twins on a disk whose power can be cut, and devices that update their twins. */
export class PowerCutTwins {
  readonly #folder = tempDir('selvage-twins-');
  readonly #disk = new PowerCutDisk(this.#folder.path);
  readonly #ledger = new TwinLedger();
  #node: Program | undefined;
  #port = 0;

  async start(): Promise<void> {
    this.#port = await freePort();
    const program = await bundleProgram('test/stage/twin-server.ts');
    this.#node = new Program('twins', [process.execPath, program, this.#folder.path, String(this.#port)]);
    await this.#begin(this.#node);
    const devices = { devices: this.#ledger.ids.map((id) => wantedDevice(id)), clients: [] };
    writeFileSync(join(this.#folder.path, 'wanted.json'), JSON.stringify({ devices, twins: { devices: [] } }));
    process.kill(this.#node.pid, 'SIGHUP');
    await until(() => this.#ledger.isKnown(this.#port), { describe: () => this.#node?.output ?? '' });
  }

  /** See `TwinLedger`. */
  get unstored(): number {
    return this.#ledger.unstored;
  }

  /** Lets all devices send updates until so many are acknowledged, and cuts the power in the middle. */
  async cutAfter(updates: number): Promise<void> {
    const [node, ledger] = [this.#node, this.#ledger];
    if (node === undefined) throw new Error('start the node first');
    const client = await ledger.connect(this.#port);
    const flow = ledger.sendAll(client);
    const enough = ledger.acknowledged + updates;
    await until(() => ledger.acknowledged >= enough, { everyMs: 1, describe: () => `updates; ${node.output}` });
    await this.#disk.cut(node.pid);
    await node.stop('SIGKILL');
    // What was acknowledged before the cut may still be on its way to here.
    await flow;
    client.end(true);
    await this.#begin(node);
  }

  /** What is wrong with the twins, as sentences. */
  problems(): Promise<readonly string[]> {
    return this.#ledger.problems(this.#port);
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
}
