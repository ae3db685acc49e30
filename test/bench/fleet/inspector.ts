import { once } from 'node:events';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { until } from '@selvage/testkit';
import { WebSocket } from 'ws';

const DEADLINE_MS = 120_000;

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly params?: { readonly chunk?: string };
}

/** The V8 inspector of another process: it is opened by a signal, so that a process nobody looks at does not pay for it. */
export class Inspector {
  private readonly waiting = new Map<number, Waiter>();
  private next = 1;
  private onChunk: (chunk: string) => void = () => undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.take(data.toString());
    });
    socket.on('close', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the inspected process is gone'));
    });
  }

  /** `port`: what the process was started with as `--inspect-port`. */
  static async open(pid: number, port: number): Promise<Inspector> {
    process.kill(pid, 'SIGUSR1');
    let url: string | undefined;
    await until(async () => (url = await debuggerUrl(port)) !== undefined, {
      describe: () => 'the inspector to listen',
    });
    const socket = new WebSocket(url ?? '', { perMessageDeflate: false, maxPayload: 2 ** 30 });
    await once(socket, 'open');
    return new Inspector(socket);
  }

  /** Collects all garbage there is. */
  async collectGarbage(): Promise<void> {
    await this.call('HeapProfiler.collectGarbage');
  }

  /** Notes where time goes while `run` lasts, for Chrome's developer tools. */
  async profiled<T>(path: string, run: () => Promise<T>): Promise<T> {
    await this.call('Profiler.enable');
    await this.call('Profiler.setSamplingInterval', { interval: 500 });
    await this.call('Profiler.start');
    try {
      return await run();
    } finally {
      const { profile } = (await this.call('Profiler.stop')) as { profile: object };
      writeFileSync(path, JSON.stringify(profile));
    }
  }

  /** Writes down every object that is alive, for Chrome's developer tools. */
  async snapshot(path: string): Promise<void> {
    const file = openSync(path, 'w');
    this.onChunk = (chunk) => writeSync(file, chunk);
    await this.call('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
    closeSync(file);
  }

  close(): void {
    this.socket.terminate();
  }

  private call(method: string, params: object = {}): Promise<unknown> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`no answer to ${method} in time`));
      }, DEADLINE_MS);
      this.waiting.set(id, {
        resolve: (result) => {
          clearTimeout(late);
          resolve(result);
        },
        reject,
      });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  private take(text: string): void {
    const { id, result, error, params } = JSON.parse(text) as Message;
    if (params?.chunk !== undefined) this.onChunk(params.chunk);
    const waiter = id === undefined ? undefined : this.waiting.get(id);
    if (id !== undefined) this.waiting.delete(id);
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new Error(error.message));
  }
}

async function debuggerUrl(port: number): Promise<string | undefined> {
  try {
    const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    return list[0]?.webSocketDebuggerUrl;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
