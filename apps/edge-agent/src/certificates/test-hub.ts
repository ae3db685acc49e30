import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  CA_PATH,
  EdgeError,
  type IssuedCertificate,
  joinRequest,
  type NodeRef,
  type RenewRequest,
  renewRequest,
  toEdgeError,
} from '@selvage/protocol';
import { Authority, checkRenewal, createCsr, identityOf, newKeyPair } from '@selvage/pki';
import type { NodeIdentity } from './index.js';

const TLS_HANDSHAKE = 0x16;

/** The enrolment of a hub, in memory: clear text and TLS on one port, as the real one has it. */
export class TestHub {
  readonly heard: string[] = [];
  /** Refuses whoever asks next. */
  refuse: EdgeError | undefined;
  /** How long certificates last, in days, and from when. */
  lifetime = { days: 90, now: Date.now() };
  /** Changes what is answered. */
  forge: (issued: IssuedCertificate) => IssuedCertificate = (issued) => issued;
  #server: Server | undefined;

  private constructor(readonly authority: Authority) {}

  static async create(now = Date.now()): Promise<TestHub> {
    const hub = new TestHub(Authority.load(await Authority.create({ passphrase: 'x', now, name: 'test' }), 'x'));
    hub.lifetime = { days: 90, now };
    return hub;
  }

  token(node: string): string {
    return `selvage1.default.${node}.${'s'.repeat(43)}.${this.authority.rootSha256}`;
  }

  /** Listens on a free port; gives the address. `hosts`: names of its certificate. */
  async listen(hosts = ['127.0.0.1']): Promise<string> {
    const keys = await newKeyPair();
    const { chain } = await this.authority.issueHub({ publicKey: keys.publicKey, name: 'hub', hosts }, this.lifetime);
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const answer = (asked: IncomingMessage, response: ServerResponse): void => void this.#answer(asked, response);
    const [clear, secure] = [createHttp(answer), createHttps({ key, cert: chain }, answer)];
    this.#server = createServer((socket: Socket) => {
      socket.once('data', (first) => {
        socket.pause();
        socket.unshift(first);
        (first[0] === TLS_HANDSHAKE ? secure : clear).emit('connection', socket);
        process.nextTick(() => socket.resume());
      });
      socket.on('error', () => socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server?.close();
  }

  /** An identity of a node that has joined. */
  async identity(node: NodeRef): Promise<NodeIdentity> {
    const keys = await newKeyPair();
    const { chain } = await this.authority.issueNode(await createCsr(keys), node, this.lifetime);
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { hubUrl: 'https://hub.test:8443', hub: '0123456789abcdef', ...node, key, chain, ca: this.authority.root };
  }

  async renew(request: RenewRequest): Promise<IssuedCertificate> {
    this.heard.push('renew');
    if (this.refuse) throw this.refuse;
    const identity = identityOf(await checkRenewal(request));
    if (identity.kind !== 'node') throw new EdgeError('forbidden', '');
    return this.#issue(request.csr, { project: identity.project, node: identity.name });
  }

  async #issue(csr: string, node: NodeRef): Promise<IssuedCertificate> {
    const { chain, notAfter } = await this.authority.issueNode(csr, node, this.lifetime);
    return this.forge({ ...node, chain, ca: this.authority.root, notAfter: new Date(notAfter).toISOString() });
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    this.heard.push(asked.url ?? '');
    if (asked.url === CA_PATH) {
      response.end(this.authority.root);
      return;
    }
    try {
      if (this.refuse) throw this.refuse;
      const body: unknown = JSON.parse((await asked.toArray()).join(''));
      const issued = asked.url === '/join' ? await this.#join(body) : await this.renew(renewRequest.parse(body));
      response.end(JSON.stringify(issued));
    } catch (thrown) {
      const { status, code, detail } = toEdgeError(thrown);
      response.writeHead(status).end(JSON.stringify({ code, message: '', detail }));
    }
  }

  #join(body: unknown): Promise<IssuedCertificate> {
    const { token, csr } = joinRequest.parse(body);
    return this.#issue(csr, { project: 'default', node: token.split('.')[2] ?? '' });
  }
}
