import { once } from 'node:events';
import { request } from 'node:https';
import { checkHub, createCsr, newKeyPair } from '@selvage/pki';
import { type DownFrame, endpoints, enrolment, frames, type IssuedCertificate, type UpFrame } from '@selvage/protocol';
import { decodeDown, encodeFrame } from '@selvage/wire';
import { WebSocket } from 'ws';
import type { TestHub } from './test-hub.js';

/** What a node does when it is called: sends chunks, and ends or fails. */
export type Answering = (params: unknown, call: TestCall) => void;

/** A call that came over the link. */
export class TestCall {
  cancelled = false;

  constructor(
    private readonly id: number,
    private readonly send: (frame: UpFrame) => void,
  ) {}

  data(chunk: Uint8Array | string): this {
    this.send({ t: 'data', id: this.id, chunk: Buffer.from(chunk) });
    return this;
  }
  end(): void {
    this.send({ t: 'end', id: this.id });
  }
  fail(code: string, detail = ''): void {
    this.send({ t: 'fail', id: this.id, code, detail });
  }
}

/** A node without an agent, over a real link: answers calls as a test says, and remembers what it was told. */
export class TestNode {
  readonly told: DownFrame[] = [];
  readonly calls = new Map<number, TestCall>();
  answering: Answering = (_params, call) => {
    call.fail('bad_request', 'the test answers nothing');
  };

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.take(decodeDown(data));
    });
  }

  /** Makes a node of project `default`, enrols it and connects it. */
  static async join(hub: TestHub, name: string): Promise<TestNode> {
    const { method, path, answer } = endpoints.nodes.join;
    const place = path.replace('{project}', 'default').replace('{name}', name);
    const { token } = answer.parse((await hub.ask({ method, path: place, body: {} })).body);
    const keys = await newKeyPair();
    const issued = await enrol(hub, { token, csr: await createCsr(keys) });
    const tls: object = { ALPNProtocols: [frames.LINK_ALPN], checkServerIdentity: checkHub };
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const socket = new WebSocket(`wss://127.0.0.1:${hub.linkPort}${frames.LINK_PATH}`, {
      ...{ key, cert: issued.chain, ca: issued.ca },
      ...tls,
    });
    const node = new TestNode(socket);
    await once(socket, 'open');
    const hello = { protocol: frames.LINK_PROTOCOL, agent: '1', boot: name, stored: null, desired: {}, reported: {} };
    node.send({ t: 'hello', ...hello });
    await once(socket, 'message');
    return node;
  }

  send(frame: UpFrame): void {
    this.socket.send(encodeFrame(frame));
  }

  async leave(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }

  private take(frame: DownFrame): void {
    this.told.push(frame);
    if (frame.t === 'cancel') {
      const call = this.calls.get(frame.id);
      if (call !== undefined) call.cancelled = true;
    }
    if (frame.t !== 'call') return;
    const call = new TestCall(frame.id, (answer) => {
      this.send(answer);
    });
    this.calls.set(frame.id, call);
    this.answering(frame.params, call);
  }
}

async function enrol(hub: TestHub, body: object): Promise<IssuedCertificate> {
  const ca = await (await fetch(`http://127.0.0.1:${hub.linkPort}/ca.pem`)).text();
  const { method, path, answer } = enrolment.join;
  const options = { host: '127.0.0.1', port: hub.linkPort, ca, method, path, agent: false };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, headers: { 'content-type': 'application/json' } }, (came) => {
      const chunks: Buffer[] = [];
      came.on('data', (chunk: Buffer) => chunks.push(chunk));
      came.once('error', reject);
      came.once('end', () => {
        resolve(answer.parse(JSON.parse(Buffer.concat(chunks).toString())));
      });
    });
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}
