import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuSeconds } from '../resources.js';
import { LOAD_CORE, pinned } from './machine.js';
import type { OrderName, Orders, Reply } from './orders.js';

const DEADLINE_MS = 600_000;

interface Waiter {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process full of simulated nodes, on the core of the load. */
export class WorkerProcess {
  private readonly waiting = new Map<number, Waiter>();
  private child: ChildProcess | undefined;
  private next = 1;

  /** `program`: the bundled worker. */
  constructor(private readonly program: string) {}

  start(): void {
    const [command = '', ...args] = pinned(LOAD_CORE, [process.execPath, this.program]);
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.on('message', (reply) => {
      this.take(reply as Reply);
    });
    child.once('exit', (code, signal) => {
      this.failAll(new Error(`a worker ended: ${code ?? signal ?? ''}`));
    });
    child.once('error', (error) => {
      this.failAll(error);
    });
    this.child = child;
  }

  /** Processor time that it has used, seconds. */
  get cpu(): number {
    return cpuSeconds(this.child?.pid ?? 0);
  }

  /** Gives an order and waits for its answer, ten minutes at most. */
  ask<K extends OrderName>(name: K, input: Orders[K]['input']): Promise<Orders[K]['answer']> {
    const id = this.next++;
    return new Promise<Orders[K]['answer']>((resolve, reject) => {
      const late = setTimeout(() => {
        this.take({ id, error: `no answer to "${name}" in time` });
      }, DEADLINE_MS);
      const over = (): void => {
        clearTimeout(late);
        this.waiting.delete(id);
      };
      this.waiting.set(id, {
        resolve: (answer) => {
          over();
          resolve(answer as Orders[K]['answer']);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      });
      this.child?.send({ id, name, input });
    });
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  private take({ id, answer, error }: Reply): void {
    const waiter = this.waiting.get(id);
    if (error === undefined) waiter?.resolve(answer);
    else waiter?.reject(new Error(error));
  }

  private failAll(error: Error): void {
    for (const { reject } of [...this.waiting.values()]) reject(error);
  }
}
