const CLIENT_HELLO = 1;
const ALPN = 16;

/** A handshake message, read on: past its end there are zeros and nothing. */
export class ClientHelloReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** The protocols that it offers by ALPN; none when it is no ClientHello. */
  protocols(): string[] {
    if (this.number(1) !== CLIENT_HELLO) return [];
    this.skip(3 + 2 + 32);
    this.skip(this.number(1));
    this.skip(this.number(2));
    this.skip(this.number(1));
    const extensions = this.part(this.number(2));
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const body = extensions.part(extensions.number(2));
      if (type === ALPN) return body.part(body.number(2)).names();
    }
    return [];
  }

  private get left(): number {
    return Math.max(0, this.bytes.length - this.at);
  }

  private names(): string[] {
    const all: string[] = [];
    while (this.left > 0) all.push(this.take(this.number(1)).toString('latin1'));
    return all;
  }

  private number(size: number): number {
    const value = this.left >= size ? this.bytes.readUIntBE(this.at, size) : 0;
    this.at += size;
    return value;
  }

  private part(size: number): ClientHelloReader {
    return new ClientHelloReader(this.take(size));
  }

  private take(size: number): Buffer {
    const part = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return part;
  }

  private skip(size: number): void {
    this.at += size;
  }
}
