import type { Readable, Writable } from 'node:stream';
import type { Config } from '../config.js';
import { type Color, colored, ForeignText, printableLines } from '../output/index.js';

/** The one door to what the user reads. Whatever is written, no terminal is told to do anything but show text. */
export interface Output {
  /** Aborted when whoever read it has gone (`| head`); what is written after that is dropped. */
  readonly gone: AbortSignal;
  /** Writes words; a space is in place of what a terminal would obey. Resolves when there is room for more. */
  write(text: string, color?: Color): Promise<void>;
  /** Copies what another program wrote: exactly into a file or pipe, on a terminal with nothing but its colours obeyed. */
  copy(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface Input extends Readable {
  readonly isTTY?: boolean;
}

/** What a run of the program has to do with: where it reads and writes, what the time is, and when to stop. */
export interface World {
  readonly config: Config;
  readonly in: Input;
  readonly out: Output;
  readonly err: Output;
  /** Aborted when the user presses Ctrl-C. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after a time, or at once when the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export type OutputStream = Writable & { readonly isTTY?: boolean };

/** A stream of the process as an output. A reader that goes is no error: it has had enough. */
export function outputTo(stream: OutputStream, mayColor: boolean): Output {
  const isTerminal = stream.isTTY === true;
  const gone = new AbortController();
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    gone.abort();
  });
  const send = (text: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (gone.signal.aborted || text.length === 0) resolve();
      else
        stream.write(text, () => {
          resolve();
        });
    });
  return {
    gone: gone.signal,
    write: (text, color) => {
      const shown = printableLines(text);
      return send(color !== undefined && isTerminal && mayColor ? colored(shown, color) : shown);
    },
    copy: async (bytes) => {
      const text = isTerminal ? new ForeignText() : undefined;
      try {
        for await (const piece of bytes) await send(text?.next(piece) ?? piece);
      } finally {
        await send(text?.end() ?? '');
      }
    },
  };
}

/** Waits in real time. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
