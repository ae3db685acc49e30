import { tempDir } from '@selvage/testkit';
import { OutboxPair } from './outbox-pair.js';
import { PowerCutDisk } from './power-cut-disk.js';

/** An agent's outbox and a hub's floor, each on a machine of its own whose power can be cut. */
export class PowerCutOutbox {
  readonly #folder = tempDir('selvage-outbox-');
  readonly #disks = {
    agent: new PowerCutDisk(`${this.#folder.path}/agent`),
    hub: new PowerCutDisk(`${this.#folder.path}/hub`),
  };

  static async make(): Promise<PowerCutOutbox> {
    return new PowerCutOutbox(await OutboxPair.make());
  }

  private constructor(readonly pair: OutboxPair) {}

  async start(): Promise<void> {
    await this.#startHub();
    await this.#startAgent();
  }

  async cutAgent(): Promise<void> {
    await this.#cut('agent');
    await this.#startAgent();
  }

  async cutHub(): Promise<void> {
    await this.#cut('hub');
    await this.#startHub();
    this.pair.connect();
  }

  async close(): Promise<void> {
    await this.pair.kill();
    for (const disk of Object.values(this.#disks)) await disk.remove();
    this.#folder.remove();
  }

  async #startAgent(): Promise<void> {
    await this.#disks.agent.on();
    await this.pair.startAgent(this.#disks.agent.path);
  }

  async #startHub(): Promise<void> {
    await this.#disks.hub.on();
    await this.pair.hub.start(this.#disks.hub.path);
  }

  /** Whatever the machine said before the cut was heard. */
  async #cut(which: 'agent' | 'hub'): Promise<void> {
    const machine = this.pair[which];
    await this.#disks[which].cut(machine.pid);
    await machine.kill();
    this.pair.cut();
  }
}
