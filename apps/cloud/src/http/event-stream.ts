import type { ServerResponse } from 'node:http';

const KEEP_ALIVE_MS = 20_000;
const MAX_BUFFERED_BYTES = 256 * 1024;

/** An answer that has not begun; `hijack` takes it out of the framework's hands. */
export interface Unsent {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/** An answer of server-sent events that has begun. */
export class EventStream {
  private readonly out: ServerResponse;

  constructor(reply: Unsent) {
    reply.hijack();
    this.out = reply.raw;
    this.out.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const beat = setInterval(() => {
      if (!this.isFull) this.out.write(': still here\n\n');
    }, KEEP_ALIVE_MS);
    this.onEnd(() => {
      clearInterval(beat);
    });
    this.out.write(': listening\n\n');
  }

  /** Whether its reader has left so much unread that more would fill memory. */
  get isFull(): boolean {
    return this.out.writableLength > MAX_BUFFERED_BYTES;
  }

  send(event: unknown): void {
    this.out.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** All that is to come has come. */
  end(): void {
    this.out.end();
  }

  /** Its reader has not had all. */
  cut(): void {
    this.out.destroy();
  }

  onEnd(listener: () => void): void {
    if (this.out.closed) listener();
    else this.out.once('close', listener);
  }
}
