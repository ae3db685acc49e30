import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import type { Config } from './config.js';
import { run } from './index.js';
import { type Output, outputTo, wait } from './world/index.js';

/** The moment at which tests take place. */
export const NOW = Date.parse('2030-01-01T12:00:00Z');

export interface Asked {
  /** `PUT /api/v1/…`, without the query. */
  readonly what: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly token: string | undefined;
}

type Handler = (asked: Asked, response: ServerResponse) => void;

/** An HTTP server that answers as it is told, and keeps objects that are put and read. */
export class FakeHub {
  readonly asked: Asked[] = [];
  readonly #handlers = new Map<string, Handler>();
  readonly #objects = new Map<string, object>();
  #server: Server | undefined;
  #port = 0;
  #revision = 10;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#receive(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** Forgets everything that it was told and asked. */
  reset(): void {
    this.asked.length = 0;
    this.#handlers.clear();
    this.#objects.clear();
  }

  /** What it answers to `GET /api/v1/…` for instance: a value, or what a function does. */
  on(what: string, answer: Handler | object): void {
    this.#handlers.set(
      what,
      typeof answer === 'function'
        ? (answer as Handler)
        : (_asked, to) => {
            send(to, 200, answer);
          },
    );
  }

  /** Answers with an error of the catalogue. */
  refuse(what: string, status: number, error: { code: string; detail: string }): void {
    this.on(what, (_asked, response) => {
      send(response, status, { message: '', requestId: 'r', ...error });
    });
  }

  /** Keeps an object of project `default`: `put('apps', app({ name: 'web' }))`. */
  put(plural: string, object: Readonly<Record<string, unknown>> & { readonly name: string }): void {
    this.#objects.set(`/api/v1/projects/default/${plural}/${object.name}`, object);
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const asked: Asked = {
      what: `${request.method ?? ''} ${pathname}`,
      query: Object.fromEntries(searchParams),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      token: request.headers.authorization?.replace('Bearer ', ''),
    };
    this.asked.push(asked);
    const handler = this.#handlers.get(asked.what);
    if (handler) handler(asked, response);
    else this.#keep(asked, response);
  }

  #keep({ what, body }: Asked, response: ServerResponse): void {
    const [method = '', path = ''] = what.split(' ');
    const found = this.#objects.get(path);
    if (method === 'PUT') {
      this.#objects.set(path, {
        ...head(path),
        ...(found ?? {}),
        ...(body as object),
        revision: (this.#revision += 1),
      });
      send(response, 200, this.#objects.get(path));
    } else if (method === 'GET' && found) send(response, 200, found);
    else if (method === 'GET' && /\/(apps|nodes|secrets)$/.test(path))
      send(response, 200, {
        items: [...this.#objects].filter(([key]) => key.startsWith(`${path}/`)).map(([, one]) => one),
      });
    else if (method === 'DELETE' && this.#objects.delete(path)) response.writeHead(204).end();
    else send(response, 404, { code: 'not_found', message: '', detail: `There is no ${path}.`, requestId: 'r' });
  }
}

export function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

const MOMENTS = { createdAt: '2030-01-01T10:00:00Z', updatedAt: '2030-01-01T11:00:00Z' };

function head(path: string): object {
  const [plural, name] = path.split('/').slice(-2);
  const status = {
    apps: { state: 'unknown', wanted: 1, running: 0, instances: [] },
    nodes: { state: 'never_joined' },
    secrets: { usedBy: [] },
  }[plural ?? ''];
  return { name, project: 'default', labels: {}, ...MOMENTS, status };
}

/** A node as the hub shows it. */
export function node(name: string, status: object = { state: 'ready' }, labels: object = {}) {
  return {
    name,
    project: 'default',
    labels,
    revision: 1,
    ...MOMENTS,
    spec: { enabled: true, description: '' },
    status,
  };
}

/** An app with one container as the hub shows it. */
export function app(name: string, status: object = {}) {
  const container = { name: 'c', image: `${name}:1` };
  return {
    name,
    project: 'default',
    labels: {},
    revision: 5,
    ...MOMENTS,
    spec: { placement: { nodes: ['edge-1'] }, containers: [container] },
    status: { state: 'running', wanted: 1, running: 1, instances: [instance(name)], ...status },
  };
}

/** An instance of that app that runs, changed by what is given. */
export function instance(name: string, changes: object = {}, container: object = {}) {
  return {
    app: name,
    uid: 'u',
    revision: 5,
    state: 'running',
    node: 'edge-1',
    nodeState: 'ready',
    reportedAt: '2030-01-01T11:59:50Z',
    containers: [{ name: 'c', state: 'running', image: `${name}:1`, restarts: 0, ...container }],
    ...changes,
  };
}

export interface RunOptions {
  readonly config?: Partial<Config>;
  /** What comes on standard input: a text, or a stream that may go on. */
  readonly input?: string | Readable;
  /** The input is typed on a terminal. */
  readonly typed?: true;
  readonly signal?: AbortSignal;
  /** What is printed goes to a terminal. */
  readonly isTerminal?: true;
  /** Aborted: nobody reads the output any more. */
  readonly gone?: AbortSignal;
  /** Called with all that was printed so far whenever something is. */
  readonly onOutput?: (out: string) => void;
  /** Told of every wait; by default none is longer than a moment. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

function inputOf(given: string | Readable | undefined): Readable {
  if (given instanceof Readable) return given;
  return Readable.from(given === undefined ? [] : [Buffer.from(given)]);
}

/** Runs the program in this process against a hub. */
export async function cli(
  hub: { readonly url: string },
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const output = (name: 'out' | 'err'): Output => {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        said[name] += chunk.toString();
        options.onOutput?.(said.out + said.err);
        done();
      },
    });
    const printed = outputTo(Object.assign(stream, { isTTY: options.isTerminal === true }), true);
    return { ...printed, gone: options.gone ?? printed.gone };
  };
  const config = { url: hub.url, token: 't', contextFile: '/nonexistent/cli.json', mayColor: false, version: '1.2.3' };
  const code = await run(args, {
    config: { ...config, ...options.config },
    in: Object.assign(inputOf(options.input), { isTTY: options.typed === true }),
    out: output('out'),
    err: output('err'),
    signal: options.signal ?? new AbortController().signal,
    now: () => NOW,
    wait: options.wait ?? ((ms, signal) => wait(Math.min(ms, 20), signal)),
  });
  return { code, ...said };
}
