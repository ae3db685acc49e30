import { ClientHelloReader } from './client-hello-reader.js';

/** What the first bytes of a connection tell. `more`: not enough of them yet. `refused`: no honest peer begins like that. */
export type Beginning =
  | { readonly kind: 'tls'; readonly alpn: readonly string[] }
  | { readonly kind: 'clear' }
  | { readonly kind: 'more' }
  | { readonly kind: 'refused' };

const HANDSHAKE = 22;
const HEADER = 5;
/** Records of a ClientHello, where one is usual, and bytes of the message. */
const MAX_RECORDS = 16;
const MAX_MESSAGE = 16 * 1024;
/** The most that is kept of a ClientHello that came in pieces. */
const MAX_BYTES = MAX_MESSAGE + 1024;

const CLEAR: Beginning = { kind: 'clear' };
const MORE: Beginning = { kind: 'more' };
const REFUSED: Beginning = { kind: 'refused' };

/**
 * Tells a TLS ClientHello with the protocols that it offers [RFC 8446, 4.1.2 and 5.1; RFC 7301] from anything else, as its bytes come.
 * Each byte is copied once at most and no record is looked at twice, in whatever pieces they come. Never throws. A ClientHello that does
 * not read on counts as TLS without protocols: the TLS server will say what is wrong with it.
 */
export class FirstBytes {
  #room: Buffer | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where the next record begins. */
  #at = 0;
  readonly #fragments: Buffer[] = [];
  #length = 0;

  /** All that came, unless it was refused. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  take(chunk: Buffer): Beginning {
    if (!this.#keep(chunk)) return REFUSED;
    if (this.#bytes.length === 0) return MORE;
    if (this.#bytes[0] !== HANDSHAKE) return CLEAR;
    return this.#records() ?? (this.#bytes.length < MAX_BYTES ? MORE : REFUSED);
  }

  /** Whether there was room. Most peers send all of it at once, and that is not copied. */
  #keep(chunk: Buffer): boolean {
    const before = this.#bytes.length;
    if (before === 0) {
      this.#bytes = chunk;
      return true;
    }
    if (before + chunk.length > MAX_BYTES) return false;
    this.#room ??= this.#moveIn();
    chunk.copy(this.#room, before);
    this.#bytes = this.#room.subarray(0, before + chunk.length);
    return true;
  }

  #moveIn(): Buffer {
    const room = Buffer.allocUnsafeSlow(MAX_BYTES);
    this.#bytes.copy(room);
    return room;
  }

  /** Goes on with the records that are complete; undefined while the message is not. */
  #records(): Beginning | undefined {
    for (;;) {
      if (this.#bytes.length < this.#at + HEADER) return undefined;
      const length = this.#bytes.readUInt16BE(this.#at + 3);
      if (this.#bytes[this.#at] !== HANDSHAKE || length === 0 || this.#fragments.length === MAX_RECORDS) return REFUSED;
      const end = this.#at + HEADER + length;
      if (this.#bytes.length < end) return undefined;
      this.#fragments.push(this.#bytes.subarray(this.#at + HEADER, end));
      this.#length += length;
      this.#at = end;
      const seen = this.#message();
      if (seen !== undefined) return seen;
    }
  }

  #message(): Beginning | undefined {
    if (this.#length < 4) return undefined;
    const wanted = 4 + this.#announced();
    if (wanted > MAX_MESSAGE) return REFUSED;
    if (this.#length < wanted) return undefined;
    return { kind: 'tls', alpn: new ClientHelloReader(Buffer.concat(this.#fragments)).protocols() };
  }

  /** The length in the head of the message, which may be spread over records. */
  #announced(): number {
    const head: number[] = [];
    for (const fragment of this.#fragments) head.push(...fragment.subarray(0, 4 - head.length));
    return Buffer.from(head).readUIntBE(1, 3);
  }
}
