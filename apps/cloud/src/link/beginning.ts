import type { Socket } from 'node:net';
import { type Beginning, FirstBytes } from './client-hello.js';

/** Any peer of ours says what it wants at once. */
const FIRST_BYTES_MS = 3_000;

/** Reads until the kind of a connection is known, and puts the bytes back. One that is too late or goes is `refused`. */
export function hearBeginning(socket: Socket, heard: (beginning: Beginning) => void): void {
  const first = new FirstBytes();
  const over = (beginning: Beginning): void => {
    clearTimeout(late);
    socket.off('data', take).off('close', none);
    socket.pause();
    if (first.bytes.length > 0) socket.unshift(first.bytes);
    heard(beginning);
  };
  const none = (): void => {
    over({ kind: 'refused' });
  };
  const take = (chunk: Buffer): void => {
    const seen = first.take(chunk);
    if (seen.kind !== 'more') over(seen);
  };
  const late = setTimeout(none, FIRST_BYTES_MS);
  socket.on('data', take).once('close', none);
}
