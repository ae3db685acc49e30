import { close, constants, createReadStream, fstat, open, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { EdgeError } from '@selvage/protocol';
import type { World } from './world.js';

interface Bounds {
  /** Bytes. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Everything that comes on standard input, up to `limit` bytes; undefined when it is more. */
export function readInput({ in: input, signal }: World, limit: number): Promise<string | undefined> {
  return readUpTo(input, { limit, signal });
}

/**
 * Everything that comes, up to `limit` bytes; undefined when it is more.
 * @throws EdgeError `call_cancelled` when the signal ended it, and the error of the stream.
 */
export async function readUpTo(bytes: Readable, { limit, signal }: Bounds): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of addAbortSignal(signal, bytes)) {
      const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      length += piece.length;
      if (length > limit) return undefined;
      chunks.push(piece);
    }
  } catch (error) {
    throw signal.aborted ? new EdgeError('call_cancelled', '', { cause: error }) : error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * What is in a file, or comes through a named pipe; undefined when it is neither. Opened without waiting: a pipe that nobody
 * writes to would hold the program where no signal reaches it.
 */
export async function openFile(path: string): Promise<Readable | undefined> {
  const file = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const bytes = streamOf(file, await promisify(fstat)(file));
  if (bytes === undefined) await promisify(close)(file);
  return bytes;
}

/** Closes the file when it ends. */
function streamOf(fd: number, stats: Stats): Readable | undefined {
  if (stats.isFile()) return createReadStream('', { fd });
  return stats.isFIFO() ? new Socket({ fd, readable: true, writable: false }) : undefined;
}
