import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { until } from '@selvage/testkit';

export const root = resolve(import.meta.dirname, '../..');
const KEPT_OUTPUT = 200_000;

/** A program under test: started with its own environment, its output kept for a failing test, stopped by its own id. */
export class Program {
  private child: ChildProcess | undefined;
  private said = '';

  constructor(
    readonly name: string,
    private readonly command: readonly string[],
    private env: Readonly<Record<string, string>> = {},
  ) {}

  /** What it printed so far on both streams, the end of it when it is long. */
  get output(): string {
    return this.said;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error(`${this.name} is not running`);
    return this.child.pid;
  }

  get running(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /** Changes the environment of the next start. */
  set(env: Readonly<Record<string, string>>): void {
    this.env = { ...this.env, ...env };
  }

  /** Forgets what it printed so far. */
  clear(): void {
    this.said = '';
  }

  start(): void {
    const [program = '', ...args] = this.command;
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/root', ...this.env };
    this.child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.said = (this.said + chunk.toString()).slice(-KEPT_OUTPUT);
      const file = process.env.SELVAGE_TEST_LOG;
      if (file !== undefined) appendFileSync(file, `${this.name}: ${chunk.toString()}`);
    };
    this.child.stdout?.on('data', keep);
    this.child.stderr?.on('data', keep);
  }

  /** Exit code of a program that ends by itself. */
  async ended(timeoutMs = 60_000): Promise<number> {
    await until(() => !this.running, { timeoutMs, describe: () => `${this.name} to end; it said:\n${this.said}` });
    return this.child?.exitCode ?? -1;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (child === undefined || !this.running) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const last = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await gone;
    clearTimeout(last);
  }
}

/** Runs a command to its end and gives its exit code and output. */
export async function run(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string }> {
  const program = new Program(command.join(' '), command, env);
  program.start();
  const code = await program.ended(120_000);
  return { code, output: program.output };
}
