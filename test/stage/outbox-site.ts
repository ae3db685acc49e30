import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tempDir, until } from '@selvage/testkit';
import { build } from 'esbuild';
import type { FromAgent, FromHub, ToAgent, ToHub } from './outbox-words.js';
import { root } from './process.js';

/** One of our programs and the words that are exchanged with it. */
class Peer<To extends object, From extends { readonly is: string }> {
  #child: ChildProcess | undefined;
  output = '';

  constructor(
    private readonly program: string,
    private readonly heard: (word: From) => void,
  ) {}

  async start(...args: readonly string[]): Promise<void> {
    const child = fork(this.program, args, { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child = child;
    child.stderr?.on('data', (text: Buffer) => (this.output += text.toString()));
    child.stdout?.on('data', (text: Buffer) => (this.output += text.toString()));
    let isUp = false;
    child.on('message', (word: From) => {
      if (child !== this.#child) return;
      if (word.is === 'up') isUp = true;
      this.heard(word);
    });
    await until(() => isUp, { everyMs: 2, describe: () => `${this.program} to be up: ${this.output}` });
  }

  tell(word: To): void {
    if (this.#child?.connected === true) this.#child.send(word, () => undefined);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** An agent's outbox and a hub's floor in processes of their own; the network between them is the test's. */
export class OutboxSite {
  readonly folder = tempDir('selvage-outbox-');
  /** What the agent said was stored, by key in order. */
  readonly stored = new Map<string, number[]>();
  acknowledged = 0;
  left: Extract<FromAgent, { is: 'left' }> | undefined;
  rows: Extract<FromHub, { is: 'rows' }>['rows'] | undefined;
  #link = 0;
  #round = 0;
  #agent: Peer<ToAgent, FromAgent> | undefined;
  #hub: Peer<ToHub, FromHub> | undefined;

  async start(): Promise<void> {
    const [agent = '', hub = ''] = await Promise.all(['outbox-agent', 'outbox-hub'].map(bundle));
    this.#agent = new Peer(agent, (word) => {
      this.#fromAgent(word);
    });
    this.#hub = new Peer(hub, (word) => {
      this.#fromHub(word);
    });
    await this.#hub.start(this.folder.path);
    await this.#startAgent();
  }

  get output(): string {
    return `${this.#agent?.output}\n${this.#hub?.output}`;
  }

  async killAgent(): Promise<void> {
    await this.#agent?.kill();
    this.cut();
    await this.#startAgent();
  }

  async killHub(): Promise<void> {
    await this.#hub?.kill();
    this.cut();
    await this.#hub?.start(this.folder.path);
    this.connect();
  }

  /** The cable is pulled: what is on its way arrives nowhere. */
  cut(): void {
    this.#hub?.tell({ is: 'cut', link: this.#link });
    this.#link += 1;
    this.#agent?.tell({ is: 'cut' });
  }

  connect(): void {
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
    this.folder.remove();
  }

  async #startAgent(): Promise<void> {
    this.left = undefined;
    await this.#agent?.start(this.folder.path, String((this.#round += 1)));
    this.connect();
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

/** Bundles a program from its sources; the native driver is found beside it. */
async function bundle(name: string): Promise<string> {
  const outfile = join(root, `node_modules/.cache/selvage-test/${name}-${process.pid}.mjs`);
  const libs = ['protocol', 'reconcile', 'pki', 'wire', 'outbox'];
  await build({
    entryPoints: [join(root, `test/stage/${name}.ts`)],
    outfile,
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' },
    conditions: ['@selvage/source'],
    alias: Object.fromEntries(libs.map((lib) => [`@selvage/${lib}`, join(root, `libs/${lib}/src/index.ts`)])),
  });
  return outfile;
}
