import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AgentStatus } from './agent-status.js';
import { metricsText } from './metrics.js';

const HOST = '127.0.0.1';
const TIMEOUT_MS = 5_000;
const MAX_HEADERS = 8 * 1024;
const MAX_CONNECTIONS = 32;

export interface LocalApiOptions {
  /** 0: any free one. */
  readonly port: number;
  /** The data folder: the port in use is written to `api.json` there. */
  readonly folder: string;
  readonly status: () => AgentStatus;
  /** Rejects with the reason while nothing can be stored. */
  readonly store: () => Promise<void>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** What the agent tells this machine over HTTP on the loopback address: `/healthz`, `/readyz`, `/metrics` and `/status`. Read only. */
export class LocalApi {
  readonly #options: LocalApiOptions;
  #server: Server | undefined;
  #storing: Promise<string[]> | undefined;

  constructor(options: LocalApiOptions) {
    this.#options = options;
  }

  /** When the port is taken, the agent does without: that is a line in the log. */
  async start(): Promise<void> {
    const { port, log } = this.#options;
    const limits = { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, maxHeaderSize: MAX_HEADERS };
    const server = createServer({ ...limits, connectionsCheckingInterval: TIMEOUT_MS }, (asked, answer) => {
      this.#answer(asked, answer);
    });
    server.maxConnections = MAX_CONNECTIONS;
    try {
      server.listen(port, HOST);
      await once(server, 'listening');
      this.#server = server;
      await this.#publish(server);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ port, reason }, 'the local API is not there: its port cannot be used');
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await rm(this.#file, { force: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  get #file(): string {
    return join(this.#options.folder, 'api.json');
  }

  async #publish(server: Server): Promise<void> {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    await writeFile(this.#file, JSON.stringify({ port: address.port }), { mode: 0o600 });
    this.#options.log.info({ url: `http://${HOST}:${address.port}` }, 'the local API is up');
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    asked.resume();
    if (asked.method !== 'GET' && asked.method !== 'HEAD') send(answer, 405, 'Only GET is answered here.\n');
    else this.#page(asked.url ?? '', answer);
  }

  async #ready(status: AgentStatus, answer: ServerResponse): Promise<void> {
    const problems = [...engineProblem(status), ...(await this.#storeProblem())];
    if (problems.length === 0) send(answer, 200, 'ready\n');
    else send(answer, 503, `${problems.join('\n')}\n`);
  }

  /** One look at the disk at a time, however many ask. */
  #storeProblem(): Promise<string[]> {
    this.#storing ??= this.#options
      .store()
      .then(
        () => [],
        (error: unknown) => [error instanceof Error ? error.message : String(error)],
      )
      .finally(() => {
        this.#storing = undefined;
      });
    return this.#storing;
  }

  #page(url: string, answer: ServerResponse): void {
    const status = this.#options.status();
    switch (url.split('?')[0]) {
      case '/healthz':
        send(answer, 200, 'ok\n');
        break;
      case '/readyz':
        void this.#ready(status, answer);
        break;
      case '/metrics':
        send(answer, 200, metricsText(status, process.memoryUsage.rss()));
        break;
      case '/status':
        answer.setHeader('content-type', 'application/json');
        send(answer, 200, `${JSON.stringify(status)}\n`);
        break;
      default:
        send(answer, 404, 'There is /healthz, /readyz, /metrics and /status.\n');
    }
  }
}

function engineProblem({ engine }: AgentStatus): string[] {
  return engine.state === 'ready' ? [] : [`The Docker engine is ${engine.state.replace('_', ' ')}.`];
}

function send(answer: ServerResponse, status: number, text: string): void {
  if (!answer.hasHeader('content-type')) answer.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
  answer.writeHead(status, {
    'content-length': Buffer.byteLength(text),
    connection: 'close',
    'x-content-type-options': 'nosniff',
  });
  answer.end(text);
}
