import { EdgeError, frames } from '@selvage/protocol';
import type { Container, Docker, EngineWatcher, LogPiece } from '../docker/index.js';
import { originOf, type Owner, ownerLabels } from './labels.js';
import { LogText } from './log-text.js';
import { isUp } from './world.js';

/** Where the log goes; `write` resolves when there is room for more. */
export interface LogSink {
  write(chunk: Uint8Array): Promise<void>;
}

export interface LogsOptions {
  readonly docker: Docker;
  readonly engine: Pick<EngineWatcher, 'subscribe'>;
  readonly owner: Owner;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Answers the call `logs`: the log of one container of an app, and what it says from then on when it is followed. */
export class Logs {
  readonly #options: LogsOptions;

  constructor(options: LogsOptions) {
    this.#options = options;
  }

  /**
   * Ends with the log; when it is followed, when the container is removed or the signal aborted: it goes on over restarts.
   * @throws EdgeError `not_found` when there is no such container, `bad_request` when the app has several and none is named
   */
  async stream(params: frames.LogsCall, sink: LogSink, signal: AbortSignal): Promise<void> {
    const { docker, now } = this.#options;
    const { id } = await this.#pick(params);
    const text = new LogText(params.timestamps);
    const { follow, tail, sinceSeconds } = params;
    const start = now();
    const since = sinceSeconds === undefined ? {} : { since: String(start - sinceSeconds) };
    await copy(docker.logs(id, { follow, tail, ...since }, signal), text, sink);
    while (follow && !signal.aborted && (await this.#runsAgain(id, signal)))
      await copy(docker.logs(id, { follow, tail: 'all', ...text.goOn(String(start)) }, signal), text, sink);
  }

  async #pick({ app, container }: frames.LogsCall): Promise<Container> {
    const { docker, owner } = this.#options;
    const lines = await docker.list(ownerLabels(owner));
    const named = lines.filter(({ labels }) => isOf(originOf(labels), app, container));
    const names = [...new Set(named.map(({ labels }) => originOf(labels).container))];
    if (names.length > 1)
      throw new EdgeError('bad_request', `The app "${app}" has several containers: name one of ${names.join(', ')}.`);
    const found = (await Promise.all(named.map(({ id }) => docker.inspect(id)))).filter((one) => one !== undefined);
    const [best] = found.sort((a, b) => Number(isUp(b)) - Number(isUp(a)) || (a.createdAt < b.createdAt ? 1 : -1));
    if (best) return best;
    const which = container === undefined ? `of the app "${app}"` : `"${container}" of the app "${app}"`;
    throw new EdgeError('not_found', `There is no container ${which} on this node now.`);
  }

  /** Waits until a container that stands still is started again; false when it is removed, or when it is wanted no more. */
  async #runsAgain(id: string, signal: AbortSignal): Promise<boolean> {
    const { docker, engine } = this.#options;
    for (;;) {
      const event = nextEvent(engine, id, signal);
      const container = await docker.inspect(id);
      if (signal.aborted || container === undefined) return event.give(false);
      if (isUp(container)) return event.give(true);
      await event.come;
    }
  }
}

async function copy(batches: AsyncIterable<readonly LogPiece[]>, text: LogText, sink: LogSink): Promise<void> {
  for await (const pieces of batches) {
    const bytes = text.take(pieces);
    for (let from = 0; from < bytes.length; from += frames.MAX_CHUNK)
      await sink.write(bytes.subarray(from, from + frames.MAX_CHUNK));
  }
}

/** The next thing that happens to a container, or to the engine. `give` ends the wait and passes a value on. */
function nextEvent(
  engine: Pick<EngineWatcher, 'subscribe'>,
  id: string,
  signal: AbortSignal,
): { come: Promise<void>; give: <T>(value: T) => T } {
  let end = (): void => undefined;
  const come = new Promise<void>((resolve) => {
    const leave = engine.subscribe({
      happened: (event) => {
        if (event.id === id) end();
      },
      changed: () => {
        end();
      },
    });
    end = (): void => {
      leave();
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
  return {
    come,
    give: (value) => {
      end();
      return value;
    },
  };
}

function isOf(origin: { app: string; container: string }, app: string, container: string | undefined): boolean {
  return origin.app === app && (container === undefined || origin.container === container);
}
