/** What the first bytes of a connection tell. `more`: not enough of them yet. */
export type FirstBytes =
  { readonly kind: 'tls'; readonly alpn: readonly string[] } | { readonly kind: 'clear' } | { readonly kind: 'more' };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const ALPN = 16;
const CLEAR: FirstBytes = { kind: 'clear' };
const MORE: FirstBytes = { kind: 'more' };

/**
 * Tells a TLS ClientHello with the protocols that it offers [RFC 8446, 4.1.2; RFC 7301] from anything else. Pure; never throws. A
 * ClientHello that does not read on counts as TLS without protocols: the TLS server will say what is wrong with it.
 */
export function firstBytes(bytes: Buffer): FirstBytes {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== HANDSHAKE) return CLEAR;
  const hello = handshake(bytes);
  if (hello === undefined) return MORE;
  return { kind: 'tls', alpn: hello[0] === CLIENT_HELLO ? offered(new Reader(hello)) : [] };
}

/** The first handshake message, put together from its records; undefined while some of it is missing. */
function handshake(bytes: Buffer): Buffer | undefined {
  const fragments: Buffer[] = [];
  let have = 0;
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === HANDSHAKE;) {
    const length = bytes.readUInt16BE(at + 3);
    const fragment = bytes.subarray(at + 5, at + 5 + length);
    fragments.push(fragment);
    have += fragment.length;
    at += 5 + length;
    const message = have >= 4 ? Buffer.concat(fragments) : undefined;
    if (message !== undefined && message.length >= 4 + message.readUIntBE(1, 3)) return message;
    if (length === 0) return message ?? Buffer.alloc(4);
  }
  return undefined;
}

function offered(hello: Reader): string[] {
  hello.skip(4 + 2 + 32);
  hello.skip(hello.number(1));
  hello.skip(hello.number(2));
  hello.skip(hello.number(1));
  const extensions = new Reader(hello.take(hello.number(2)));
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const body = new Reader(extensions.take(extensions.number(2)));
    if (type === ALPN) return names(new Reader(body.take(body.number(2))));
  }
  return [];
}

function names(list: Reader): string[] {
  const all: string[] = [];
  while (list.left > 0) all.push(list.take(list.number(1)).toString('latin1'));
  return all;
}

/** Reads on, and past the end reads zeros and nothing. */
class Reader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return Math.max(0, this.bytes.length - this.at);
  }

  number(size: number): number {
    const value = this.left >= size ? this.bytes.readUIntBE(this.at, size) : 0;
    this.at += size;
    return value;
  }

  take(size: number): Buffer {
    const part = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return part;
  }

  skip(size: number): void {
    this.at += size;
  }
}
