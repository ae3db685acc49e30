import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@selvage/testkit';

/** One of our programs and the words that are exchanged with it; it says `up` when it is. */
export class PeerProgram<To extends object, From extends { readonly is: string }> {
  #child: ChildProcess | undefined;
  output = '';

  constructor(
    private readonly program: string,
    private readonly heard: (word: From) => void,
  ) {}

  async start(...args: readonly string[]): Promise<void> {
    const child = fork(this.program, args, { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child = child;
    this.output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => (this.output = (this.output + text.toString()).slice(-20_000)));
    const seen = { up: false };
    child.on('message', (word: From) => {
      if (child !== this.#child) return;
      if (word.is === 'up') seen.up = true;
      this.heard(word);
    });
    await until(() => seen.up || child.exitCode !== null, {
      everyMs: 2,
      describe: () => `${this.program} to be up: ${this.output}`,
    });
    if (!seen.up) throw new Error(`${this.program} ended with ${child.exitCode}: ${this.output}`);
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.program} is not running`);
    return this.#child.pid;
  }

  tell(word: To): void {
    if (this.#child?.connected === true) this.#child.send(word, () => undefined);
  }

  /** Resolves when the process is gone; what it said until then was heard. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    if (child.connected) await once(child, 'disconnect');
    this.#child = undefined;
  }
}
