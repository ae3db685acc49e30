import type { LogPiece } from './docker.js';

const HEADER = 8;
const STDERR = 2;
/** A timestamp with nanoseconds and zone is 35 characters at most; a record without one within this many bytes has none. */
const MAX_TIMESTAMP = 64;
const SPACE = 0x20;

interface Frame {
  readonly stream: LogPiece['stream'];
  /** Bytes of the payload that have not come yet. */
  left: number;
  /** The beginning of the payload until its timestamp is complete; `undefined` afterwards. */
  head: Buffer | undefined;
}

/**
 * Takes the engine's multiplexed log apart: frames of an 8-byte header (stream, 0, 0, 0, length) and a payload that begins with
 * a timestamp. Gives the pieces of each chunk as it comes, so that memory stays bounded whatever the length of a record.
 */
export async function* logPieces(source: AsyncIterable<Buffer>): AsyncGenerator<readonly LogPiece[]> {
  const reader: Reader = { header: Buffer.alloc(0), frame: undefined };
  for await (const chunk of source) {
    const pieces = [...split(reader, chunk)];
    if (pieces.length > 0) yield pieces;
  }
}

interface Reader {
  header: Buffer;
  frame: Frame | undefined;
}

function* split(reader: Reader, chunk: Buffer): Generator<LogPiece> {
  let rest = chunk;
  while (rest.length > 0) {
    if (reader.frame === undefined) {
      const part = rest.subarray(0, HEADER - reader.header.length);
      rest = rest.subarray(part.length);
      reader.header = Buffer.concat([reader.header, part]);
      if (reader.header.length < HEADER) return;
      reader.frame = newFrame(reader.header);
      reader.header = Buffer.alloc(0);
    } else {
      const part = rest.subarray(0, reader.frame.left);
      rest = rest.subarray(part.length);
      yield* take(reader.frame, part);
    }
    if (reader.frame.left === 0) reader.frame = undefined;
  }
}

function newFrame(header: Buffer): Frame {
  const stream = header[0] === STDERR ? 'stderr' : 'stdout';
  return { stream, left: header.readUInt32BE(4), head: Buffer.alloc(0) };
}

function* take(frame: Frame, part: Buffer): Generator<LogPiece> {
  frame.left -= part.length;
  if (frame.head === undefined) {
    yield { stream: frame.stream, bytes: part };
    return;
  }
  const head = Buffer.concat([frame.head, part]);
  const space = head.subarray(0, MAX_TIMESTAMP).indexOf(SPACE);
  if (space === -1 && frame.left > 0 && head.length < MAX_TIMESTAMP) {
    frame.head = head;
    return;
  }
  frame.head = undefined;
  const at = space === -1 ? '' : head.subarray(0, space).toString('latin1');
  yield { stream: frame.stream, at, bytes: head.subarray(space + 1) };
}
