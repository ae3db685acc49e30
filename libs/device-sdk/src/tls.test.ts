import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { Authority, createCsr, type KeyPair, newKeyPair } from '@selvage/pki';
import { until } from '@selvage/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { connectDevice, type Device } from './device.js';
import type { Tls } from './session.js';
import { TestNode } from './test-node.js';

let node: TestNode;
let server: TlsOptions;
let tls: Required<Tls>;
let strange: Required<Tls>;
let device: Device | undefined;
const servers: Server[] = [];
const sockets = new Set<{ destroy(): void }>();

beforeAll(async () => {
  node = await TestNode.start();
  const [ours, theirs] = await Promise.all([authority(), authority()]);
  const keys = await newKeyPair();
  const hub = { publicKey: keys.publicKey, name: 'node', hosts: ['localhost', '127.0.0.1'] };
  const { chain } = await ours.issueHub(hub, lifetime());
  server = { key: pem(keys), cert: chain, ca: ours.root, requestCert: true, rejectUnauthorized: true };
  tls = await clientOf(ours);
  strange = await clientOf(theirs);
});

afterEach(async () => {
  await device?.close({ timeoutMs: 0 });
  for (const socket of sockets) socket.destroy();
  for (const one of servers.splice(0)) {
    one.close();
    await once(one, 'close');
  }
});

afterAll(() => node.stop());

describe('a device with a certificate', () => {
  it('connects over TLS, and the node sees who it is', async () => {
    const names: unknown[] = [];
    const port = await listen(
      createServer(server, (socket: TLSSocket) => {
        names.push(socket.getPeerCertificate().subject.CN);
        node.accept(socket);
      }),
    );
    device = connectDevice({ url: `mqtts://localhost:${port}`, id: 'lamp', tls });
    await device.twin.report({ a: 1 });
    expect(names).toEqual(['default/lamp']);
  });

  it('connects over WebSocket with TLS', async () => {
    const https = createHttpsServer(server);
    const webSockets = new WebSocketServer({ server: https, handleProtocols: () => 'mqtt' });
    webSockets.on('connection', (socket) => {
      node.accept(createWebSocketStream(socket));
    });
    device = connectDevice({ url: `wss://127.0.0.1:${await listen(https)}/mqtt`, id: 'lamp', tls });
    await device.twin.report({ a: 2 });
  });

  it('does not talk to a node of another authority', async () => {
    const port = await listen(createServer(server, accept));
    device = connectDevice({ url: `mqtts://localhost:${port}`, id: 'lamp', tls: { ...tls, ca: strange.ca } });
    await expect(device.ready()).rejects.toMatchObject({ code: 'certificate_invalid' });
  });

  it('of another authority hears that this may be why the node hangs up', async () => {
    const port = await listen(createServer(server, accept));
    device = connectDevice({ url: `mqtts://localhost:${port}`, id: 'lamp', tls: { ...strange, ca: tls.ca } });
    const reasons: string[] = [];
    device.on('disconnected', ({ detail }) => reasons.push(detail));
    await until(() => reasons.length > 0);
    expect(reasons[0]).toContain('does not admit this certificate');
  });

  it('that has no certificate is refused, and that is an error', async () => {
    const port = await listen(createServer(server, accept));
    device = connectDevice({ url: `mqtts://localhost:${port}`, id: 'lamp', tls: { ca: tls.ca } });
    await expect(device.ready()).rejects.toMatchObject({ code: 'certificate_invalid' });
  });
});

function accept(socket: TLSSocket): void {
  node.accept(socket);
}

async function authority(): Promise<Authority> {
  return Authority.load(await Authority.create({ passphrase: 'x', now: Date.now(), name: 'test' }), 'x');
}

async function clientOf(issuer: Authority): Promise<Required<Tls>> {
  const keys = await newKeyPair();
  const identity = { kind: 'device' as const, project: 'default', name: 'lamp' };
  const { chain } = await issuer.issueClient(await createCsr(keys), identity, lifetime());
  return { key: pem(keys), cert: chain, ca: issuer.root };
}

function lifetime(): { days: number; now: number } {
  return { days: 1, now: Date.now() };
}

function pem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function listen(one: Server): Promise<number> {
  servers.push(one);
  one.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  one.listen(0, '127.0.0.1');
  await once(one, 'listening');
  return (one.address() as AddressInfo).port;
}
