import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { removeImagesFrom } from './images.js';

const START_MS = 15_000;

export interface RegistryOptions {
  /** Asks for these credentials; without them everybody may read and write. */
  readonly auth?: { readonly user: string; readonly password: string };
}

/**
 * Debian's `docker-registry` on a free port of 127.0.0.1, where engines need no TLS, with its data in a temporary folder.
 * A small proxy in front asks for credentials, holds downloads back and plays dead. Throws when the program is not installed.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-registry-'));
  const config = join(folder, 'config.yml');
  await writeFile(config, configuration(join(folder, 'data')));
  const program = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const reap = (): void => {
    program.kill('SIGKILL');
  };
  process.once('exit', reap);
  const stop = async (): Promise<void> => {
    process.off('exit', reap);
    await ended(program);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const registry = new Registry(await listening(program), { ...options, stop });
    await registry.up();
    return registry;
  } catch (error) {
    await stop();
    throw error;
  }
}

export class Registry {
  readonly #upstream: number;
  /** `user:password` in base64, when it asks for credentials. */
  readonly login: string | undefined;
  readonly #stop: () => Promise<void>;
  #server: Server | undefined;
  #port = 0;
  #held: Promise<void> | undefined;

  constructor(upstream: number, options: RegistryOptions & { readonly stop: () => Promise<void> }) {
    this.#upstream = upstream;
    const { auth } = options;
    this.login = auth && Buffer.from(`${auth.user}:${auth.password}`).toString('base64');
    this.#stop = options.stop;
  }

  /** `127.0.0.1:port`, the first part of image references. It stays the same while the registry is down. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens again after `down`. */
  async up(): Promise<void> {
    const server = createServer((asked, answer) => void this.#forward(asked, answer));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections until `up`; what was pushed is kept. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Downloads of layers wait until the returned function is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.#held = new Promise<void>((resolve) => (release = resolve));
    return () => {
      this.#held = undefined;
      release();
    };
  }

  /** Ends for good. Its data goes, and whatever the engine of this machine pulled from it. */
  async stop(): Promise<void> {
    await this.down();
    await this.#stop();
    await removeImagesFrom(this.address);
  }

  async #forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (this.login !== undefined && asked.headers.authorization !== `Basic ${this.login}`) {
      refuse(asked, answer);
      return;
    }
    if (asked.method === 'GET' && asked.url?.includes('/blobs/') === true) await this.#held;
    const { method, url: path, headers } = asked;
    const onward = request({ host: '127.0.0.1', port: this.#upstream, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    onward.once('error', () => answer.destroy());
    asked.pipe(onward);
  }
}

function refuse(asked: IncomingMessage, answer: ServerResponse): void {
  asked.resume();
  const body = { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required', detail: null }] };
  answer.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"', 'Content-Type': 'application/json' });
  answer.end(JSON.stringify(body));
}

function configuration(data: string): string {
  const storage = { filesystem: { rootdirectory: data }, delete: { enabled: true } };
  const http = { addr: '127.0.0.1:0', relativeurls: true, secret: 'test' };
  return JSON.stringify({ version: '0.1', log: { level: 'info' }, storage, http });
}

/** The port that the program says it listens on. */
function listening(program: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('docker-registry did not start in time.'));
    }, START_MS);
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`docker-registry did not start (Debian package docker-registry): ${why}`));
    };
    program.once('error', (error) => {
      fail(error.message);
    });
    program.once('exit', (code) => {
      fail(`it ended with ${code ?? 'a signal'}`);
    });
    if (!program.stderr) return;
    createInterface(program.stderr).on('line', (line) => {
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

async function ended(program: ChildProcess): Promise<void> {
  if (program.pid === undefined || program.exitCode !== null || program.signalCode !== null) return;
  const exit = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGKILL');
  await exit;
}
