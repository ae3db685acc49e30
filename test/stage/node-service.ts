import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a service was asked. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An app's HTTP service on a node. */
export class NodeService {
  readonly heard: Heard[] = [];
  /** What it says; the test's choice. */
  answer: (heard: Heard, response: ServerResponse) => void = (_heard, response) => response.writeHead(204).end();
  private readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const heard = { method, path, headers, body: Buffer.concat(chunks) };
      this.heard.push(heard);
      this.answer(heard, response);
    });
  });

  /** `port`: the one of a service that was there before. */
  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What was asked at a path, in order. */
  at(path: string): readonly Heard[] {
    return this.heard.filter((one) => one.path === path);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    this.server.closeAllConnections();
    await closed;
  }
}
