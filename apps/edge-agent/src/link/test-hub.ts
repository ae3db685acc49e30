import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type DownFrame, frames, type UpFrame } from '@selvage/protocol';
import { Authority, createCsr, newKeyPair } from '@selvage/pki';
import { until } from '@selvage/testkit';
import { decodeUp, encodeFrame } from '@selvage/wire';
import { type WebSocket, WebSocketServer } from 'ws';
import type { LinkIdentity } from './connection.js';

const LIFETIME = { days: 1, now: Date.now() };

/** A hub's side of the link for tests: real TLS with client certificates, and what it says is up to the test. */
export class TestHub {
  readonly heard: UpFrame[] = [];
  connections = 0;
  #server: Server | undefined;
  #socket: WebSocket | undefined;
  #identity: LinkIdentity | undefined;

  get url(): string {
    return `https://127.0.0.1:${(this.#server?.address() as AddressInfo).port}`;
  }

  get identity(): LinkIdentity {
    if (this.#identity === undefined) throw new Error('start the hub first');
    return this.#identity;
  }

  async start(): Promise<void> {
    this.connections = 0;
    const files = await Authority.create({ passphrase: 'test', now: LIFETIME.now, name: 'test' });
    const authority = Authority.load(files, 'test');
    const [own, node] = await Promise.all([newKeyPair(), newKeyPair()]);
    const hub = await authority.issueHub({ publicKey: own.publicKey, name: 'hub', hosts: ['127.0.0.1'] }, LIFETIME);
    const issued = await authority.issueNode(await createCsr(node), { project: 'default', node: 'n' }, LIFETIME);
    this.#identity = { key: pemOf(node.privateKey), chain: issued.chain, ca: authority.root };
    this.#server = createServer({
      key: pemOf(own.privateKey),
      cert: hub.chain,
      ca: authority.root,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: [frames.LINK_ALPN],
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    new WebSocketServer({ server: this.#server, path: frames.LINK_PATH }).on('connection', (socket) => {
      this.connections += 1;
      this.#socket = socket;
      socket.on('message', (data) => this.heard.push(decodeUp(data as Buffer)));
    });
  }

  send(frame: DownFrame): void {
    this.#socket?.send(encodeFrame(frame));
  }

  welcome(reported: Record<string, string> = {}): void {
    this.send({ t: 'welcome', hub: '1', position: { epoch: 'e', revision: 1 }, heartbeatMs: 1000, reported });
  }

  /** Waits for the first frame of a kind after those that were taken before, and takes it. */
  async hear<K extends UpFrame['t']>(kind: K): Promise<Extract<UpFrame, { t: K }>> {
    const at = (): number => this.heard.findIndex(({ t }) => t === kind);
    await until(() => at() !== -1, {
      describe: () => `a frame "${kind}"; heard ${this.heard.map(({ t }) => t).join()}`,
    });
    const [found] = this.heard.splice(at(), 1);
    return found as Extract<UpFrame, { t: K }>;
  }

  /** Cuts the connection as a cable would. */
  cut(): void {
    this.#socket?.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }
}

function pemOf(key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
