import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@selvage/testkit';

const ENGINE = process.env.SELVAGE_DOCKER_SOCKET ?? '/var/run/docker.sock';

/** A socket that leads to this machine's engine, or does not: to an agent the engine comes, goes and hangs. At first nobody listens. */
export class EngineDoor {
  private readonly folder: TempDir = tempDir();
  /** Where an agent is to look for its engine. */
  readonly path = join(this.folder.path, 'docker.sock');
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  /** They would take the socket of their successor with them if they closed earlier. */
  private readonly replaced: Server[] = [];
  private hanging = false;

  /** The engine is there. */
  async open(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (agent) => {
      this.lead(agent);
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.path, resolve);
    });
  }

  /** The engine is gone: its connections break and nobody listens. */
  async close(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(this.path, { force: true });
  }

  /** Another engine takes the place of the socket: who speaks with the one before is not told, and hears nothing any more. */
  async replace(): Promise<void> {
    if (this.server) this.replaced.push(this.server);
    for (const socket of this.sockets) socket.pause();
    rmSync(this.path, { force: true });
    await this.open();
  }

  /** The engine hangs: connections stay and new ones are accepted, but not a byte moves. */
  hang(): void {
    this.hanging = true;
    for (const socket of this.sockets) socket.pause();
  }

  /** The engine that hung goes on. */
  wake(): void {
    this.hanging = false;
    for (const socket of this.sockets) socket.resume();
  }

  async remove(): Promise<void> {
    await this.close();
    for (const server of this.replaced) server.close();
    this.folder.remove();
  }

  private lead(agent: Socket): void {
    const engine = connect({ path: ENGINE, allowHalfOpen: true });
    for (const [from, to] of [
      [agent, engine],
      [engine, agent],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk) => void to.write(chunk));
      from.once('end', () => to.end());
      from.once('error', () => to.destroy());
      from.once('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.hanging) from.pause();
    }
  }
}
