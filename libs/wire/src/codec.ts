import { type DownFrame, EdgeError, frames, problemsOf, type UpFrame } from '@selvage/protocol';
import { packr } from './packr.js';

/** A frame as the bytes of one binary WebSocket message. */
export function encodeFrame(frame: UpFrame | DownFrame): Buffer {
  return packr.pack(frame);
}

/**
 * Reads a frame that an agent sent.
 * @throws EdgeError `bad_request` when the bytes are not a frame; the caller closes the link.
 */
export function decodeUp(bytes: Uint8Array): UpFrame {
  return parse(frames.upFrame, bytes);
}

/** Reads a frame that the hub sent; see `decodeUp`. */
export function decodeDown(bytes: Uint8Array): DownFrame {
  return parse(frames.downFrame, bytes);
}

interface Parser<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: Parameters<typeof problemsOf>[0] };
}

function parse<T>(schema: Parser<T>, bytes: Uint8Array): T {
  const parsed = schema.safeParse(unpack(bytes));
  if (parsed.success) return parsed.data;
  throw new EdgeError(
    'bad_request',
    `The frame does not have the form of the link protocol: ${problemsOf(parsed.error)}.`,
  );
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new EdgeError('bad_request', 'The frame is not MessagePack.', { cause });
  }
}
