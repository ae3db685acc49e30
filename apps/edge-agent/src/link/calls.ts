import { EdgeError, frames, toEdgeError, type UpFrame } from '@selvage/protocol';

/** Where the answer of a call goes; `write` resolves when there is room for more. */
export interface CallSink {
  write(chunk: Uint8Array): Promise<void>;
}

/** Answers a call: resolves when the answer is complete. Its signal is aborted when nobody wants the answer any more. */
export type CallHandler<T> = (params: T, sink: CallSink, signal: AbortSignal) => Promise<void>;

type Handler = (params: unknown, sink: CallSink, signal: AbortSignal) => Promise<void>;

/** Where slices say which calls they answer. */
export class CallRegistry {
  readonly #handlers = new Map<string, Handler>();

  register<T>(method: string, schema: { parse(value: unknown): T }, handler: CallHandler<T>): void {
    this.#handlers.set(method, (params, sink, signal) => handler(parsed(schema, params), sink, signal));
  }

  /** @throws EdgeError `not_found` for a call that this agent does not know. */
  get(method: string): Handler {
    const handler = this.#handlers.get(method);
    if (handler !== undefined) return handler;
    throw new EdgeError('not_found', `This agent does not know the call "${method}"; a newer one may.`);
  }
}

function parsed<T>(schema: { parse(value: unknown): T }, params: unknown): T {
  try {
    return schema.parse(params);
  } catch (cause) {
    throw new EdgeError('bad_request', 'The parameters of the call do not have its form.', { cause });
  }
}

const MAX_CALLS = 64;

interface OpenCall {
  readonly controller: AbortController;
  credit: number;
  more: (() => void) | undefined;
}

/** The calls under way on one connection. */
export class Calls {
  readonly #open = new Map<number, OpenCall>();

  constructor(
    private readonly registry: CallRegistry,
    private readonly send: (frame: UpFrame) => void,
  ) {}

  /** Begins to answer. */
  begin({ id, method, params, credit }: { id: number; method: string; params?: unknown; credit: number }): void {
    if (this.#open.size >= MAX_CALLS) {
      this.#fail(id, new EdgeError('too_many_requests', `This node has ${MAX_CALLS} calls under way.`));
      return;
    }
    const call: OpenCall = { controller: new AbortController(), credit, more: undefined };
    this.#open.set(id, call);
    void this.#answer(id, call, { method, params });
  }

  credit(id: number, bytes: number): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    call.credit += bytes;
    call.more?.();
  }

  cancel(id: number): void {
    this.#open.get(id)?.controller.abort(new EdgeError('call_cancelled', ''));
  }

  /** The connection is gone: nobody will hear any of them. */
  cancelAll(): void {
    for (const id of [...this.#open.keys()]) this.cancel(id);
  }

  async #answer(id: number, call: OpenCall, { method, params }: { method: string; params: unknown }): Promise<void> {
    const { signal } = call.controller;
    const sink = { write: (chunk: Uint8Array): Promise<void> => this.#write(id, call, chunk) };
    try {
      await this.registry.get(method)(params, sink, signal);
      if (!signal.aborted) this.send({ t: 'end', id });
    } catch (thrown) {
      if (!signal.aborted) this.#fail(id, toEdgeError(thrown));
    } finally {
      this.#open.delete(id);
    }
  }

  async #write(id: number, call: OpenCall, chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength;) {
      await this.#room(call);
      const part = chunk.subarray(at, at + Math.min(call.credit, frames.MAX_CHUNK));
      call.credit -= part.byteLength;
      this.send({ t: 'data', id, chunk: part });
      at += part.byteLength;
    }
  }

  /** Waits for credit. Rejects when the call is cancelled. */
  async #room(call: OpenCall): Promise<void> {
    const { signal } = call.controller;
    signal.throwIfAborted();
    while (call.credit <= 0) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          signal.removeEventListener('abort', go);
          resolve();
        };
        call.more = go;
        signal.addEventListener('abort', go, { once: true });
      });
      signal.throwIfAborted();
    }
  }

  #fail(id: number, { code, detail }: EdgeError): void {
    this.send({ t: 'fail', id, code, detail: detail.slice(0, 4096) });
  }
}
