import { tempDir, until } from '@selvage/testkit';
import type { FromAgent, FromHub, ToAgent, ToHub } from './outbox-words.js';
import { bundleProgram, PeerProgram } from './peer-program.js';
import { PowerCutDisk } from './power-cut-disk.js';

/** An agent's outbox and a hub's floor, each on a machine of its own whose power can be cut; the network between them is the test's. */
export class PowerCutOutbox {
  readonly #folder = tempDir('selvage-outbox-');
  readonly #disks = {
    agent: new PowerCutDisk(`${this.#folder.path}/agent`),
    hub: new PowerCutDisk(`${this.#folder.path}/hub`),
  };
  /** What the agent said was stored, by key in order. */
  readonly stored = new Map<string, number[]>();
  acknowledged = 0;
  left: Extract<FromAgent, { is: 'left' }> | undefined;
  rows: Extract<FromHub, { is: 'rows' }>['rows'] | undefined;
  #link = 0;
  #round = 0;
  #agent: PeerProgram<ToAgent, FromAgent> | undefined;
  #hub: PeerProgram<ToHub, FromHub> | undefined;

  async start(): Promise<void> {
    const [agent = '', hub = ''] = await Promise.all(['outbox-agent', 'outbox-hub'].map(bundleProgram));
    this.#agent = new PeerProgram(agent, (word) => {
      this.#fromAgent(word);
    });
    this.#hub = new PeerProgram(hub, (word) => {
      this.#fromHub(word);
    });
    await this.#startHub();
    await this.#startAgent();
  }

  get output(): string {
    return `${this.#agent?.output}\n${this.#hub?.output}`;
  }

  async cutAgent(): Promise<void> {
    await cut(this.#disks.agent, this.#agent);
    this.#hub?.tell({ is: 'cut', link: this.#link });
    this.#link += 1;
    await this.#startAgent();
  }

  async cutHub(): Promise<void> {
    await cut(this.#disks.hub, this.#hub);
    this.#link += 1;
    this.#agent?.tell({ is: 'cut' });
    await this.#startHub();
    this.#agent?.tell({ is: 'connect', link: this.#link });
  }

  /** No more messages; resolves when all are delivered. */
  async drained(): Promise<void> {
    this.#agent?.tell({ is: 'enough' });
    const empty = (): boolean => {
      this.#agent?.tell({ is: 'status' });
      return this.left?.count === 0;
    };
    await until(empty, { timeoutMs: 60_000, describe: () => `${this.left?.count} left; ${this.output}` });
    this.#hub?.tell({ is: 'rows' });
    await until(() => this.rows !== undefined, { describe: () => this.output });
  }

  async close(): Promise<void> {
    await this.#agent?.kill();
    await this.#hub?.kill();
    for (const disk of Object.values(this.#disks)) await disk.remove();
    this.#folder.remove();
  }

  async #startAgent(): Promise<void> {
    this.left = undefined;
    await this.#disks.agent.on();
    await this.#agent?.start(this.#disks.agent.path, String((this.#round += 1)));
    this.#agent?.tell({ is: 'connect', link: this.#link });
  }

  async #startHub(): Promise<void> {
    await this.#disks.hub.on();
    await this.#hub?.start(this.#disks.hub.path);
  }

  #fromAgent(word: FromAgent): void {
    if (word.is === 'frame' && word.link === this.#link) this.#hub?.tell(word);
    if (word.is === 'left') this.left = word;
    if (word.is !== 'stored') return;
    this.acknowledged += 1;
    const known = this.stored.get(word.key);
    if (known === undefined) this.stored.set(word.key, [word.n]);
    else known.push(word.n);
  }

  #fromHub(word: FromHub): void {
    if (word.is === 'rows') this.rows = word.rows;
    if (word.is !== 'frame' || word.link !== this.#link) return;
    const { frame } = word;
    if (frame.t === 'settled' || frame.t === 'rejected') this.#agent?.tell({ is: 'frame', frame });
  }
}

/** Whatever it said before the cut was heard. */
async function cut(
  disk: PowerCutDisk,
  machine: { readonly pid: number; kill(): Promise<void> } | undefined,
): Promise<void> {
  if (machine === undefined) throw new Error('start the machines first');
  await disk.cut(machine.pid);
  await machine.kill();
}
