import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Beginning, FirstBytes } from './client-hello.js';

const firstBytes = (bytes: Buffer): Beginning => new FirstBytes().take(bytes);

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

/** The same handshake in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, at + size);
    parts.push(Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part);
  }
  return Buffer.concat(parts);
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
    expect(firstBytes(inRecords(hello, 100))).toEqual({ kind: 'tls', alpn: ['selvage-link', 'http/1.1'] });
    expect(firstBytes(inRecords(hello, Math.ceil((hello.length - 5) / 16))).kind).toBe('tls');
    const headInTwo = Buffer.concat([inRecords(hello.subarray(0, 7), 1), inRecords(hello.subarray(2), 1000)]);
    expect(firstBytes(headInTwo).kind).toBe('tls');
  });

  it('are refused when they come in more records than any client makes', () => {
    expect(firstBytes(inRecords(hello, 1)).kind).toBe('refused');
    expect(firstBytes(inRecords(hello, Math.ceil((hello.length - 5) / 17))).kind).toBe('refused');
  });

  it.each([
    ['announce a message of more than 16 KiB', Buffer.of(22, 3, 1, 0, 4, 1, 0, 64, 1)],
    ['go on with what is no handshake', Buffer.of(22, 3, 1, 0, 4, 1, 0, 2, 0, 23, 3, 3, 0, 1, 0)],
    ['have an empty record', Buffer.of(22, 3, 1, 0, 0)],
  ])('are refused when they %s', (_what, bytes) => {
    expect(firstBytes(bytes).kind).toBe('refused');
  });

  it('are refused when 17 KiB of them are not enough', () => {
    const reader = new FirstBytes();
    const kinds = new Set<string>();
    const endless = Buffer.concat([Buffer.of(22, 3, 1, 255, 255), Buffer.alloc(17 * 1024)]);
    for (let at = 0; at < 17 * 1024; at += 1024) kinds.add(reader.take(endless.subarray(at, at + 1024)).kind);
    expect([...kinds]).toEqual(['more', 'refused']);
    expect(firstBytes(endless).kind).toBe('refused');
  });

  it('are copied once at most when they come byte by byte', () => {
    const reader = new FirstBytes();
    reader.take(hello.subarray(0, 1));
    reader.take(hello.subarray(1, 2));
    const room = reader.bytes.buffer;
    const kinds = new Set<string>();
    for (const byte of hello.subarray(2, -1)) {
      kinds.add(reader.take(Buffer.of(byte)).kind);
      expect(reader.bytes.buffer).toBe(room);
    }
    expect([...kinds]).toEqual(['more']);
    expect(reader.take(hello.subarray(-1)).kind).toBe('tls');
    expect(reader.bytes).toEqual(hello);
  });

  it('are not copied when they come at once', () => {
    const reader = new FirstBytes();
    reader.take(hello);
    expect(reader.bytes).toBe(hello);
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
