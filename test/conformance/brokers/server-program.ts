import { accepts, until } from '@selvage/testkit';
import { Program } from '../../stage/process.js';

/** A broker as a process of ours that listens on one TCP port. */
export class ServerProgram {
  private readonly program: Program;

  constructor(
    name: string,
    command: readonly string[],
    private readonly port: number,
  ) {
    this.program = new Program(name, command);
  }

  /** Starts it unless it runs and resolves when it accepts connections. */
  async start(): Promise<void> {
    if (this.program.running) return;
    this.program.start();
    await until(() => !this.program.running || accepts(this.port), {
      timeoutMs: 10_000,
      describe: () => `${this.program.name} to listen; it said:\n${this.program.output}`,
    });
    const trouble = this.trouble();
    if (trouble !== undefined) throw new Error(trouble);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.program.stop(signal);
  }

  trouble(): string | undefined {
    if (this.program.running) return undefined;
    return `the broker process ended; it said:\n${this.program.output.slice(-2000)}`;
  }
}
