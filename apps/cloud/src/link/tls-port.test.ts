import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { EdgeError, frames } from '@selvage/protocol';
import { Authority, createCsr, newKeyPair } from '@selvage/pki';
import { until } from '@selvage/testkit';
import { pino } from 'pino';
import { type ClientOptions, WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gateway } from './gateway.js';
import { TlsPort } from './tls-port.js';

const LIFETIME = { days: 1, now: Date.now() };
const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();

describe("the hub's TLS port", () => {
  const admitted: string[] = [];
  const gateway: Pick<Gateway, 'accept'> = {
    accept: (socket, { subjectAltName }) => {
      admitted.push(subjectAltName ?? '');
      socket.close();
    },
  };
  const lines: string[] = [];
  let echoed = 0;
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
  const tls = new TlsPort(gateway as Gateway, log);
  let authority: Authority;
  let port: number;

  const open = async (): Promise<Authority> =>
    Authority.load(await Authority.create({ passphrase: 'x', now: LIFETIME.now, name: 'test' }), 'x');

  beforeAll(async () => {
    authority = await open();
    const own = await newKeyPair();
    const hub = await authority.issueHub({ publicKey: own.publicKey, name: 'hub', hosts: ['127.0.0.1'] }, LIFETIME);
    tls.use({ key: pem(own.privateKey), chain: hub.chain, roots: authority.root });
    tls.post('/echo', ({ body }) => {
      echoed += 1;
      return Promise.resolve({ body });
    });
    tls.post('/refuse', () => Promise.reject(new EdgeError('token_used', 'Make a new one.')));
    tls.post('/break', () => Promise.reject(new Error('a password in a stack trace')));
    port = await tls.start({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => tls.stop());

  async function nodeOf(issuer: Authority): Promise<{ key: string; cert: string; ca: string }> {
    const pair = await newKeyPair();
    const { chain } = await issuer.issueNode(await createCsr(pair), { project: 'default', node: 'n' }, LIFETIME);
    return { key: pem(pair.privateKey), cert: chain, ca: authority.root };
  }

  const dial = (identity: object, alpn = [frames.LINK_ALPN]): Promise<'open' | 'closed'> =>
    new Promise((resolve) => {
      const options: ClientOptions & Pick<ConnectionOptions, 'ALPNProtocols'> = { ...identity, ALPNProtocols: alpn };
      const socket = new WebSocket(`wss://127.0.0.1:${port}${frames.LINK_PATH}`, options);
      socket.on('open', () => {
        resolve('open');
      });
      socket.on('error', () => {
        resolve('closed');
      });
    });

  const post = (path: string, body: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method: 'POST', ca: authority.root }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, text });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });

  const clear = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('error', () => undefined);
    socket.write(text);
    await once(socket, 'close');
    return heard;
  };

  it('lets a node with a certificate of its authority through to the link', async () => {
    expect(await dial(await nodeOf(authority))).toBe('open');
    await until(() => admitted.length === 1);
    expect(admitted[0]).toContain('urn:selvage:node:default:n');
  });

  it.each([
    ['no certificate', () => Promise.resolve({ ca: authority.root })],
    ['a certificate of another authority', async () => ({ ...(await nodeOf(await open())), ca: authority.root })],
  ])('closes a link with %s', async (_what, identity) => {
    expect(await dial(await identity())).toBe('closed');
    expect(admitted).toHaveLength(1);
  });

  it('has no link for a peer that does not offer it', async () => {
    expect(await dial(await nodeOf(authority), [])).toBe('closed');
  });

  it('lets a node in whatever number of connections say nothing', async () => {
    const identity = await nodeOf(authority);
    const silent = Array.from({ length: 1_050 }, () => connect(port, '127.0.0.1'));
    for (const socket of silent) socket.on('error', () => undefined);
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    const before = admitted.length;
    expect(await dial(identity)).toBe('open');
    await until(() => admitted.length > before);
    for (const socket of silent) socket.destroy();
  });

  it('gives its root certificate in clear text, and nothing else', async () => {
    expect(await clear('GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(authority.root.trim());
    expect(await clear('GET /join HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 404/);
    expect(await clear('POST /ca.pem HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')).toMatch(/^HTTP\/1.1 404/);
    expect(await clear('\0\0garbage\r\n\r\n')).not.toContain('CERTIFICATE');
  });

  it('answers agents that have no certificate yet', async () => {
    expect(await post('/echo', '{"a":1}')).toEqual({ status: 200, text: '{"body":{"a":1}}' });
  });

  it.each([
    ['what it refuses', '/refuse', '{}', 401, 'token_used'],
    ['a path that is not there', '/admin', '{}', 404, 'not_found'],
    ['a body that is not JSON', '/echo', '{', 400, 'bad_request'],
    ['a body that is too large', '/echo', JSON.stringify('x'.repeat(70_000)), 413, 'body_too_large'],
  ])('says why: %s', async (_what, path, body, status, code) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ code });
  });

  it('is not troubled by a request that breaks off', async () => {
    lines.length = 0;
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.root });
    await once(socket, 'secureConnect');
    socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"a"');
    await until(() => tls.waiting === 1);
    socket.destroy();
    await until(() => tls.waiting === 0);
    await post('/echo', '{}');
    expect(lines).toEqual([]);
  });

  it('counts who has not said what it wants, in whatever way', async () => {
    const node = await nodeOf(authority);
    const clearText = connect(port, '127.0.0.1');
    clearText.write('GET /ca.pem HTTP/1.1\r\nHost: x\r\n');
    const enrolling = connectTls({ host: '127.0.0.1', port, ca: authority.root });
    const linking = connectTls({ ...node, host: '127.0.0.1', port, ALPNProtocols: [frames.LINK_ALPN] });
    await Promise.all([once(enrolling, 'secureConnect'), once(linking, 'secureConnect')]);
    await until(() => tls.waiting === 3);
    clearText.write('\r\n');
    await until(() => tls.waiting === 2);
    enrolling.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    await until(() => tls.waiting === 1);
    linking.destroy();
    await until(() => tls.waiting === 0);
  });

  it('answers one request on a connection', async () => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.root });
    socket.on('error', () => undefined).resume();
    echoed = 0;
    const one = 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';
    socket.write(one.repeat(50));
    await once(socket, 'close');
    expect(echoed).toBe(1);
  });

  it('says nothing of what broke inside', async () => {
    const answer = await post('/break', '{}');
    expect(answer).toMatchObject({ status: 500 });
    expect(answer.text).not.toContain('password');
  });

  it('speaks no TLS older than 1.2', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      ca: authority.root,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/protocol|version/i);
  });
});
