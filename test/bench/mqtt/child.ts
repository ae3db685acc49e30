import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { linked } from '@selvage/reconcile';
import { root } from '../../stage/process.js';

const DEADLINE_MS = 3_600_000;
const GRACE_MS = 10_000;
const KEPT_OUTPUT = 10_000;

/** A program that keeps to one core; what it says is kept for an error. */
export class Child {
  readonly #child: ChildProcess;
  #output = '';

  /** `pinned`: the command, with what pins it. */
  constructor(pinned: readonly string[], { talks }: { talks: boolean }) {
    const [command = '', ...args] = pinned;
    const stdio = ['ignore', 'pipe', 'pipe', ...(talks ? (['ipc'] as const) : [])] as const;
    this.#child = spawn(command, args, { cwd: root, stdio: [...stdio], serialization: 'json' });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.#output = (this.#output + text.toString()).slice(-KEPT_OUTPUT);
      });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get output(): string {
    return this.#output;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a word unless there is none, and resolves with the next one that comes back. */
  async ask(word?: object): Promise<unknown> {
    const end = linked([AbortSignal.timeout(DEADLINE_MS)]);
    const gone = once(this.#child, 'exit', { signal: end.signal }).then(() => {
      throw new Error(`process ${this.pid} ended; it said:\n${this.#output}`);
    });
    const answered = once(this.#child, 'message', { signal: end.signal });
    try {
      if (word !== undefined) this.#child.send(word);
      const [answer] = (await Promise.race([answered, gone])) as [unknown];
      return answer;
    } finally {
      end.end();
      // Whichever did not win ends with the abortion.
      await Promise.allSettled([answered, gone]);
    }
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.#child, 'exit');
    // One that talks ends by itself then, and writes down what it was told to: a profile, for instance.
    if (this.#child.connected) this.#child.disconnect();
    else this.#child.kill('SIGKILL');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(late);
  }
}
