import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { EdgeError } from '@selvage/protocol';
import type { Cancel, Clock } from '@selvage/reconcile';

/** An answer that has not begun; `hijack` takes it out of the framework's hands. */
export interface Unsent {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

export interface TextStreamOptions {
  readonly clock: Clock;
  /** A stream that is silent for so long is told to its reader as begun; absent: an answer waits for the first chunk. */
  readonly silenceMs: number | undefined;
  /** Told when a stream that had begun broke, other than by its reader going away. */
  broke(error: unknown): void;
}

/**
 * Sends chunks as plain text, each as soon as it is there and no faster than the reader takes them. An error before the first chunk
 * is thrown, so that it becomes a proper answer; a later one cuts the connection, so that nobody takes a part for the whole. The
 * signal that `open` gets is aborted when the reader goes.
 */
export async function sendText(
  reply: Unsent,
  open: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  options: TextStreamOptions,
): Promise<void> {
  const out = reply.raw;
  const gone = new AbortController();
  out.once('close', () => {
    gone.abort(new EdgeError('call_cancelled', 'The reader went away.'));
  });
  out.once('error', (error) => {
    gone.abort(error);
  });
  const chunks = open(gone.signal)[Symbol.asyncIterator]();
  const first = chunks.next();
  await firstOrSilence(first, options);
  reply.hijack();
  head(out);
  try {
    await copy(first, chunks, { out, gone: gone.signal });
    out.end();
  } catch (error) {
    if (!gone.signal.aborted) options.broke(error);
    out.destroy();
  } finally {
    if (gone.signal.aborted) await chunks.return?.();
  }
}

async function firstOrSilence(first: Promise<unknown>, { clock, silenceMs }: TextStreamOptions): Promise<void> {
  if (silenceMs === undefined) {
    await first;
    return;
  }
  let cancel: Cancel | undefined;
  const silence = new Promise<void>((resolve) => {
    cancel = clock.timer(silenceMs, resolve);
  });
  try {
    await Promise.race([first, silence]);
  } finally {
    cancel?.();
  }
}

function head(out: ServerResponse): void {
  // A silent log is no idle connection.
  out.socket?.setTimeout(0);
  out.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
  out.flushHeaders();
}

async function copy(
  first: Promise<IteratorResult<Uint8Array>>,
  rest: AsyncIterator<Uint8Array>,
  { out, gone }: { out: ServerResponse; gone: AbortSignal },
): Promise<void> {
  for (let next = await first; next.done !== true; next = await rest.next()) {
    gone.throwIfAborted();
    if (!out.write(next.value)) await once(out, 'drain', { signal: gone });
  }
}
