import { until } from '@selvage/testkit';
import { bundleProgram } from './bundle.js';
import { type FromAgent, type FromHub, KEYS, type ToAgent, type ToHub } from './outbox-words.js';
import { PeerProgram } from './peer-program.js';

/** An agent's outbox and a hub's floor as programs, the network between them, and a ledger of what they said. */
export class OutboxPair {
  readonly agent: PeerProgram<ToAgent, FromAgent>;
  readonly hub: PeerProgram<ToHub, FromHub>;
  acknowledged = 0;
  /** What the agent said was stored, by key in order. */
  readonly #stored = new Map<string, number[]>();
  #left: Extract<FromAgent, { is: 'left' }> | undefined;
  #rows: Extract<FromHub, { is: 'rows' }>['rows'] | undefined;
  #link = 0;
  #round = 0;

  static async make(): Promise<OutboxPair> {
    const [agent = '', hub = ''] = await Promise.all(
      ['test/stage/outbox-agent.ts', 'test/stage/outbox-hub.ts'].map(bundleProgram),
    );
    return new OutboxPair(agent, hub);
  }

  private constructor(agent: string, hub: string) {
    this.agent = new PeerProgram(agent, (word) => {
      this.#fromAgent(word);
    });
    this.hub = new PeerProgram(hub, (word) => {
      this.#fromHub(word);
    });
  }

  get output(): string {
    return `${this.agent.output}\n${this.hub.output}`;
  }

  async startAgent(folder: string): Promise<void> {
    this.#left = undefined;
    await this.agent.start(folder, String((this.#round += 1)));
    this.connect();
  }

  /** The cable is pulled: what is on its way arrives nowhere. */
  cut(): void {
    this.hub.tell({ is: 'cut', link: this.#link });
    this.#link += 1;
    this.agent.tell({ is: 'cut' });
  }

  connect(): void {
    this.agent.tell({ is: 'connect', link: this.#link });
  }

  /** No more messages; when all are delivered gives what is wrong with them, as sentences. */
  async problems(): Promise<readonly string[]> {
    this.agent.tell({ is: 'enough' });
    const empty = (): boolean => {
      this.agent.tell({ is: 'status' });
      return this.#left?.count === 0;
    };
    await until(empty, { timeoutMs: 60_000, describe: () => `${this.#left?.count} left; ${this.output}` });
    this.hub.tell({ is: 'rows' });
    await until(() => this.#rows !== undefined, { describe: () => this.output });
    const drops = this.#left?.drops ?? 0;
    return [...(drops === 0 ? [] : [`${drops} messages were dropped`]), ...this.#problemsByKey()];
  }

  async kill(): Promise<void> {
    await this.agent.kill();
    await this.hub.kill();
  }

  #problemsByKey(): string[] {
    return KEYS.flatMap((key) => {
      const acknowledged = this.#stored.get(key) ?? [];
      const arrived = (this.#rows ?? []).filter((row) => row.key === key).map(({ n }) => n);
      const there = new Set(arrived);
      return [
        ...(acknowledged.length > 0 ? [] : [`${key}: nothing was ever acknowledged`]),
        ...arrived.flatMap((n, at) => (n > (arrived[at - 1] ?? -1) ? [] : [`${key}: ${n} came twice or too late`])),
        ...acknowledged.filter((n) => !there.has(n)).map((n) => `${key}: ${n} was acknowledged and never came`),
      ];
    });
  }

  #fromAgent(word: FromAgent): void {
    if (word.is === 'frame' && word.link === this.#link) this.hub.tell(word);
    if (word.is === 'left') this.#left = word;
    if (word.is !== 'stored') return;
    this.acknowledged += 1;
    const known = this.#stored.get(word.key);
    if (known === undefined) this.#stored.set(word.key, [word.n]);
    else known.push(word.n);
  }

  #fromHub(word: FromHub): void {
    if (word.is === 'rows') this.#rows = word.rows;
    if (word.is !== 'frame' || word.link !== this.#link) return;
    const { frame } = word;
    if (frame.t === 'settled' || frame.t === 'rejected') this.agent.tell({ is: 'frame', frame });
  }
}
