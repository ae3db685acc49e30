import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { firstBytes } from './client-hello.js';

/** The first bytes that Node's own TLS client sends. */
async function clientHello(ALPNProtocols: string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ALPNProtocols });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

describe('the first bytes of a connection', () => {
  let hello: Buffer;
  beforeAll(async () => {
    hello = await clientHello(['selvage-link', 'http/1.1']);
  });

  it('tell which protocols a TLS client offers', async () => {
    expect(firstBytes(hello)).toEqual({ kind: 'tls', alpn: ['selvage-link', 'http/1.1'] });
    expect(firstBytes(await clientHello([]))).toEqual({ kind: 'tls', alpn: [] });
  });

  it('are not enough while any is missing', () => {
    for (let length = 0; length < hello.length; length += 1)
      expect(firstBytes(hello.subarray(0, length))).toEqual({ kind: 'more' });
  });

  it('may come in several TLS records', () => {
    const body = hello.subarray(5);
    const record = (part: Buffer): Buffer =>
      Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part]);
    const split = Buffer.concat([record(body.subarray(0, 100)), record(body.subarray(100))]);
    expect(firstBytes(split)).toEqual({ kind: 'tls', alpn: ['selvage-link', 'http/1.1'] });
  });

  it.each(['GET /ca.pem HTTP/1.1\r\n', '\x00', 'SSH-2.0'])('%j are clear text', (text) => {
    expect(firstBytes(Buffer.from(text, 'latin1'))).toEqual({ kind: 'clear' });
  });

  it('never crash, whatever was changed in them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat(), (changes, cut) => {
        const changed = Buffer.from(hello);
        for (const [at, value] of changes) changed[at % hello.length] = value;
        expect(firstBytes(changed.subarray(0, cut % (hello.length + 1)))).toHaveProperty('kind');
      }),
      { numRuns: 2000 },
    );
  });

  it('never crash, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(firstBytes(Buffer.concat([Buffer.of(22), bytes]))).toHaveProperty('kind');
      }),
      { numRuns: 2000 },
    );
  });
});
