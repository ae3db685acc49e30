import { tempDir } from '@selvage/testkit';
import { OutboxPair } from './outbox-pair.js';

/** An agent's outbox and a hub's floor on one folder: each can be killed, and the link between them cut. */
export class OutboxSite {
  readonly #folder = tempDir('selvage-outbox-');

  static async make(): Promise<OutboxSite> {
    return new OutboxSite(await OutboxPair.make());
  }

  private constructor(readonly pair: OutboxPair) {}

  async start(): Promise<void> {
    await this.pair.hub.start(this.#folder.path);
    await this.pair.startAgent(this.#folder.path);
  }

  async killAgent(): Promise<void> {
    await this.pair.agent.kill();
    this.pair.cut();
    await this.pair.startAgent(this.#folder.path);
  }

  async killHub(): Promise<void> {
    await this.pair.hub.kill();
    this.pair.cut();
    await this.pair.hub.start(this.#folder.path);
    this.pair.connect();
  }

  cutLink(): Promise<void> {
    this.pair.cut();
    this.pair.connect();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.pair.kill();
    this.#folder.remove();
  }
}
