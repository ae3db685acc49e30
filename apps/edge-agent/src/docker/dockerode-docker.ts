import { EdgeError } from '@selvage/protocol';
import { answers, read } from './answers.js';
import type * as port from './docker.js';
import { engineError } from './docker-errors.js';
import { EngineApi } from './engine-api.js';
import { jsonLines } from './json-lines.js';
import { logPieces } from './log-frames.js';
import { Stall } from './stall.js';

/** Creating may copy an image's files into a new volume, removing may delete many: on an SD card that takes a while. */
const SLOW_MS = 120_000;
/** An engine that unpacks an image on an SD card may take long to answer, and is well all the same. */
const PING_MS = 20_000;
const PULL_STALL_MS = 120_000;

export interface DockerodeOptions {
  readonly socketPath: string;
  /** How long a pull may go on without any progress, milliseconds. */
  readonly pullStallMs?: number;
}

/** The engine behind a Unix socket, through dockerode. Works with API 1.41 (Docker 20.10) and later. */
export class DockerodeDocker implements port.Docker {
  readonly #api: EngineApi;
  readonly #pullStallMs: number;

  constructor({ socketPath, pullStallMs }: DockerodeOptions) {
    this.#api = new EngineApi(socketPath);
    this.#pullStallMs = pullStallMs ?? PULL_STALL_MS;
  }

  async info(): Promise<port.EngineInfo> {
    const [version, info] = await Promise.all([this.#get('/version'), this.#get('/info')]);
    const { Version, ApiVersion, Arch, Os } = read(answers.version, version);
    const { Driver } = read(answers.info, info);
    return { version: Version, apiVersion: ApiVersion, storageDriver: Driver, arch: Arch, os: Os };
  }

  async ping(): Promise<string> {
    await this.#api.request({ operation: 'info', method: 'GET', path: '/_ping', deadlineMs: PING_MS });
    return this.#api.socketMark();
  }

  async list(labels: port.Labels = {}): Promise<port.ContainerLine[]> {
    const query = { all: true, filters: byLabels(labels) };
    const { body } = await this.#api.request({ operation: 'list', method: 'GET', path: '/containers/json', query });
    return read(answers.lines, body);
  }

  async inspect(idOrName: string): Promise<port.Container | undefined> {
    return this.#find(answers.container, `/containers/${encodeURIComponent(idOrName)}/json`);
  }

  async create(name: string, body: port.ContainerRequest): Promise<string> {
    const request = { operation: 'create', subject: name, method: 'POST', path: '/containers/create' } as const;
    const answer = await this.#api.request({ ...request, query: { name }, body, deadlineMs: SLOW_MS });
    return read(answers.created, answer.body).Id;
  }

  async start(id: string): Promise<void> {
    const request = { operation: 'start', method: 'POST', path: `/containers/${id}/start` } as const;
    await this.#api.request({ ...request, also: [304], deadlineMs: SLOW_MS });
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const request = { operation: 'stop', method: 'POST', path: `/containers/${id}/stop` } as const;
    const deadlineMs = graceSeconds * 1000 + SLOW_MS;
    await this.#api.request({ ...request, query: { t: graceSeconds }, also: [304, 404], deadlineMs });
  }

  async unpause(id: string): Promise<void> {
    try {
      await this.#api.request({ operation: 'start', method: 'POST', path: `/containers/${id}/unpause` });
    } catch (thrown) {
      if (!(thrown instanceof EdgeError && thrown.detail.includes('is not paused'))) throw thrown;
    }
  }

  async remove(id: string): Promise<void> {
    const request = { operation: 'remove', method: 'DELETE', path: `/containers/${id}` } as const;
    try {
      await this.#api.request({ ...request, query: { v: true, force: true }, also: [404], deadlineMs: SLOW_MS });
    } catch (thrown) {
      if (!(thrown instanceof EdgeError && thrown.detail.includes('already in progress'))) throw thrown;
    }
  }

  async image(reference: string): Promise<port.Image | undefined> {
    return this.#find(answers.image, `/images/${reference}/json`);
  }

  async pull(
    reference: string,
    { signal, credentials }: { signal: AbortSignal; credentials?: port.Credentials },
  ): Promise<string | undefined> {
    const request = { operation: 'pull', subject: reference, method: 'POST', path: '/images/create' } as const;
    const stall = new Stall(signal, this.#pullStallMs);
    stall.progress();
    try {
      const stream = await this.#api.stream(
        {
          ...request,
          query: { fromImage: reference, ...tagOf(reference) },
          ...(credentials && { credentials }),
          deadlineMs: this.#pullStallMs,
        },
        stall.signal,
      );
      return await this.#followPull(reference, stream, stall);
    } catch (thrown) {
      throw stall.over ? noProgress(reference, this.#pullStallMs, thrown) : thrown;
    } finally {
      stall.stop();
    }
  }

  async #followPull(reference: string, stream: AsyncIterable<Buffer>, stall: Stall): Promise<string | undefined> {
    let digest: string | undefined;
    for await (const line of jsonLines(stream)) {
      stall.progress();
      const { status, error } = read(answers.progress, line);
      if (error !== undefined)
        throw engineError({ operation: 'pull', subject: reference, status: 200, message: error });
      digest = /^Digest: (sha256:[0-9a-f]{64})$/.exec(status ?? '')?.[1] ?? digest;
    }
    return digest;
  }

  async *logs(
    id: string,
    { follow, tail, since }: port.LogQuery,
    signal: AbortSignal,
  ): AsyncIterable<readonly port.LogPiece[]> {
    const query = { stdout: true, stderr: true, timestamps: true, follow, tail, ...(since !== undefined && { since }) };
    const request = { operation: 'logs', subject: id, method: 'GET', path: `/containers/${id}/logs` } as const;
    yield* logPieces(await this.#api.stream({ ...request, query }, signal));
  }

  async events(labels: port.Labels, signal: AbortSignal): Promise<AsyncIterable<port.EngineEvent>> {
    const query = { filters: { type: ['container'], ...byLabels(labels) } };
    const stream = await this.#api.stream({ operation: 'events', method: 'GET', path: '/events', query }, signal);
    return readEvents(stream);
  }

  async volumes(labels: port.Labels): Promise<port.Volume[]> {
    const query = { filters: byLabels(labels) };
    const { body } = await this.#api.request({ operation: 'volume', method: 'GET', path: '/volumes', query });
    return read(answers.volumes, body);
  }

  async createVolume(name: string, labels: port.Labels): Promise<port.Volume> {
    const request = { operation: 'volume', subject: name, method: 'POST', path: '/volumes/create' } as const;
    const { body } = await this.#api.request({ ...request, body: { Name: name, Labels: labels } });
    return read(answers.volume, body);
  }

  async removeVolume(name: string): Promise<void> {
    const request = { operation: 'volume', subject: name, method: 'DELETE', path: `/volumes/${name}` } as const;
    await this.#api.request({ ...request, also: [404], deadlineMs: SLOW_MS });
  }

  async #get(path: string): Promise<unknown> {
    return (await this.#api.request({ operation: 'info', method: 'GET', path })).body;
  }

  async #find<S extends Parameters<typeof read>[0]>(schema: S, path: string) {
    const { status, body } = await this.#api.request({ operation: 'inspect', method: 'GET', path, also: [404] });
    return status === 404 ? undefined : read(schema, body);
  }
}

async function* readEvents(stream: AsyncIterable<Buffer>): AsyncGenerator<port.EngineEvent> {
  for await (const line of jsonLines(stream)) yield read(answers.event, line);
}

function byLabels(labels: port.Labels): { label: string[] } {
  return { label: Object.entries(labels).map(([key, value]) => `${key}=${value}`) };
}

/** The engine pulls every tag of a repository when neither the tag nor a digest is named. */
function tagOf(reference: string): { tag?: string } {
  return /:[^/]+$/.test(reference) ? {} : { tag: 'latest' };
}

function noProgress(reference: string, stallMs: number, cause: unknown): EdgeError {
  const detail = `${reference}: no progress for ${Math.round(stallMs / 1000)} seconds.`;
  return new EdgeError('image_pull_failed', detail, { cause });
}
