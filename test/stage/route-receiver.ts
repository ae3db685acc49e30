import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { testCertificates } from '../../apps/cloud/src/endpoints/kinds/test-target.js';

/** What came in one request. */
export interface Received {
  readonly id: string;
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

/** A web server of somebody else, over HTTPS, that keeps what is posted to it. */
export class RouteReceiver {
  readonly received: Received[] = [];

  private constructor(
    private readonly server: Server,
    /** What it has to be trusted by. */
    readonly ca: string,
  ) {}

  static async start(): Promise<RouteReceiver> {
    const { ca, server: identity } = await testCertificates(['localhost', '127.0.0.1']);
    const server = createServer(identity);
    const receiver = new RouteReceiver(server, ca);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const [id, type] = [String(headers['webhook-id']), String(headers['content-type'])];
        receiver.received.push({ id, type, path, body: Buffer.concat(chunks) });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** What came to a path, in order. */
  at(path: string): readonly Received[] {
    return this.received.filter((one) => one.path === path);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
