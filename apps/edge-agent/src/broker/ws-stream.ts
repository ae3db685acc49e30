import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Close code: data of a kind that is not taken. */
const UNSUPPORTED = 1003;
/** Bytes of one frame: a packet may go over several [MQTT-6.0.0-2]. */
const FRAME_BYTES = 64 * 1024;

/** A WebSocket as a stream of bytes: one binary frame for all that is written at once; a text frame ends it [MQTT-6.0.0-1]. */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super({ readableHighWaterMark: FRAME_BYTES });
    this.#socket = socket;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data, isBinary) => {
      this.#take(data, isBinary);
    });
    socket.on('close', () => {
      this.push(null);
      this.destroy();
    });
    socket.on('error', (error) => {
      this.destroy(error);
    });
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(chunk, { binary: true }, (error) => {
      done(error);
    });
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  #take(data: unknown, isBinary: boolean): void {
    if (this.destroyed) return;
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.#socket.close(UNSUPPORTED);
      this.destroy();
    } else if (!this.push(data)) this.#socket.pause();
  }
}
