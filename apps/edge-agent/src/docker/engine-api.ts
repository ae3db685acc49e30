import { stat } from 'node:fs/promises';
import { Agent, IncomingMessage } from 'node:http';
import Dockerode from 'dockerode';
import { EdgeError } from '@selvage/protocol';
import { linked } from '@selvage/reconcile';
import type { Credentials } from './docker.js';
import { engineError, type Operation } from './docker-errors.js';

const MIB = 1024 * 1024;
const MAX_ANSWER = 32 * MIB;
const MAX_ERROR = 64 * 1024;
const DEADLINE_MS = 30_000;

export interface EngineRequest {
  readonly operation: Operation;
  /** Named in errors. */
  readonly subject?: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: object;
  readonly credentials?: Credentials;
  /** Statuses that are answers too, 404 for "there is none" for instance. */
  readonly also?: readonly number[];
  /** Until the whole answer is there; for a stream until it begins. */
  readonly deadlineMs?: number;
}

/** What of a request is named in errors. */
type Asked = Pick<EngineRequest, 'operation' | 'subject'>;

export interface EngineAnswer {
  readonly status: number;
  /** Parsed JSON; `undefined` when the answer was empty. */
  readonly body: unknown;
}

interface Modem {
  dial(options: object, done: (error: Error | null, answer: unknown) => void): void;
}

/** Taken as answers by the modem, so that error texts are read here, with a bound. */
const everyStatus = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [index + 100, true]));

/** Requests to the engine over its socket: every answer has a deadline and a size limit, every failure is an `EdgeError`. */
export class EngineApi {
  readonly #modem: Modem;

  constructor(private readonly socketPath: string) {
    // An empty host keeps DOCKER_HOST of the environment out: the socket is the configuration's. A connection for each request: one that
    // was kept would still lead to an engine whose socket is another's now.
    const options = { socketPath, host: '', protocol: 'http', agent: new Agent({ keepAlive: false }) } as const;
    const door: { modem: Modem } = new Dockerode(options);
    this.#modem = door.modem;
  }

  /** Another one when the socket was made anew, or leads to another engine. */
  async socketMark(): Promise<string> {
    const { dev, ino, ctimeMs } = await this.#guard({ operation: 'info' }, () => stat(this.socketPath));
    return `${dev} ${ino} ${ctimeMs}`;
  }

  /** The whole answer, at most 32 MiB. */
  async request(request: EngineRequest): Promise<EngineAnswer> {
    const response = await this.#open(request, AbortSignal.timeout(request.deadlineMs ?? DEADLINE_MS));
    const text = await this.#guard(request, () => readText(response, MAX_ANSWER));
    return { status: response.statusCode ?? 0, body: text === '' ? undefined : parseJson(text) };
  }

  /** An answer that goes on until its end or until the signal is aborted. */
  async stream(request: EngineRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const either = linked([signal]);
    const timer = setTimeout(() => {
      either.end(new DOMException('', 'TimeoutError'));
    }, request.deadlineMs ?? DEADLINE_MS);
    try {
      const response = await this.#open(request, either.signal);
      response.once('close', either.end);
      return this.#chunks(request, response);
    } catch (thrown) {
      either.end();
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  async *#chunks(request: EngineRequest, response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of response) if (Buffer.isBuffer(chunk)) yield chunk;
    } catch (thrown) {
      throw unanswered(request, thrown);
    } finally {
      response.destroy();
    }
  }

  async #open(request: EngineRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#guard(request, () => this.#dial(request, signal));
    const status = response.statusCode ?? 0;
    if ((status >= 200 && status < 300) || request.also?.includes(status) === true) return response;
    const text = await this.#guard(request, () => readText(response, MAX_ERROR));
    throw engineError({ ...request, status, message: errorText(text) });
  }

  #dial(request: EngineRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const options = {
      path: `${request.path}?`,
      method: request.method,
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      ...(request.credentials && { authconfig: authConfig(request.credentials) }),
      abortSignal: signal,
      isStream: true,
      statusCodes: everyStatus,
    };
    return new Promise((resolve, reject) => {
      this.#modem.dial(options, (error, answer) => {
        if (answer instanceof IncomingMessage) resolve(answer);
        else reject(signal.aborted ? reason(signal) : (error ?? new Error('The engine gave no answer.')));
      });
    });
  }

  async #guard<T>(request: Asked, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      throw unanswered(request, thrown);
    }
  }
}

function authConfig({ registry, username, password }: Credentials): object {
  return { serveraddress: registry, username, password };
}

function reason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}

function unanswered(request: Asked, thrown: unknown): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return engineError({ ...request, code: errno(thrown), message });
}

function errno(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
}

async function readText(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    size += chunk.length;
    if (size > limit) throw new EdgeError('docker_error', `The engine's answer is larger than ${limit} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function errorText(text: string): string {
  const body = parseJson(text);
  const message = body !== null && typeof body === 'object' && 'message' in body ? body.message : text;
  return typeof message === 'string' ? message : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
