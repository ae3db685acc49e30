import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { freePort } from './free-port.js';
import { type TempDir, tempDir } from './temp-dir.js';
import { until } from './until.js';

const START_MS = 20_000;
const KEPT_OUTPUT = 20_000;

export interface ServerCommand {
  readonly command: readonly [program: string, ...args: string[]];
  /** Debian package that has the program. */
  readonly package: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A server of somebody else in a process of ours. It ends with us, whatever happens. */
export class ServerProgram {
  private child: ChildProcess | undefined;
  private said = '';

  constructor(private readonly what: ServerCommand) {}

  /** What it printed so far, the end of it. */
  get output(): string {
    return this.said;
  }

  get running(): boolean {
    return this.child?.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it and resolves when `isReady` says so. Throws with what it printed when it ends before. */
  async start(isReady: () => boolean | Promise<boolean>): Promise<void> {
    const [program, ...args] = this.what.command;
    const env = { ...process.env, ...this.what.env };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let trouble: string | undefined;
    child.once('error', ({ message }) => (trouble = `${message} (Debian package ${this.what.package})`));
    const keep = (chunk: Buffer): void => {
      this.said = (this.said + chunk.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    process.once('exit', this.reap);
    const describe = (): string => `${program} to be ready; it said:\n${this.said}`;
    await until(() => trouble !== undefined || !this.running || isReady(), { timeoutMs: START_MS, describe });
    if (!this.running) throw new Error(`${program} did not start: ${trouble ?? this.said}`);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    process.off('exit', this.reap);
    const { child } = this;
    if (child === undefined || !this.running) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    const last = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exit;
    clearTimeout(last);
  }

  private readonly reap = (): void => {
    this.child?.kill('SIGKILL');
  };
}

/** A server on a port of 127.0.0.1, with a folder of its own. */
export class PortServer {
  private constructor(
    private readonly program: ServerProgram,
    readonly port: number,
    private readonly folder: TempDir,
  ) {}

  /** Starts it on a free port with the configuration that is made for it. */
  static async start(
    name: string,
    configured: (folder: string, port: number) => ServerCommand | Promise<ServerCommand>,
  ): Promise<PortServer> {
    const folder = tempDir(`selvage-${name}-`);
    const port = await freePort();
    const server = new PortServer(new ServerProgram(await configured(folder.path, port)), port, folder);
    try {
      await server.up();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Serves again after `down`, with what it keeps in its folder. */
  up(): Promise<void> {
    return this.program.start(() => accepts(this.port));
  }

  /** Ends at once, and with it all connections. */
  down(): Promise<void> {
    return this.program.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.down();
    this.folder.remove();
  }
}

/** Whether somebody accepts connections on a port of this machine. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
