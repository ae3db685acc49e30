import { connect, createServer, type Server, type Socket } from 'node:net';

/** A cable between an agent and its hub that can be pulled. */
export class LinkCable {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isPulled = false;

  constructor(
    private readonly port: number,
    private readonly hub: number,
  ) {
    this.#server = createServer((near) => {
      if (this.#isPulled) {
        near.destroy();
        return;
      }
      const far = connect(this.hub, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
  }

  /** What is on its way arrives nowhere. */
  pull(): void {
    this.#isPulled = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  plug(): void {
    this.#isPulled = false;
  }

  stop(): void {
    this.pull();
    this.#server.close();
  }
}
