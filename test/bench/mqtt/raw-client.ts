import { once } from 'node:events';
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { CONNACK, connectPacket, PacketReader, PUBACK, PUBLISH, SUBACK, subscribePacket } from './packets.js';

const DEADLINE_MS = 60_000;

export interface Target {
  readonly port: number;
  /** With it the connection is TLS. */
  readonly secure?: SecureContext;
}

/** One connection of the load. */
export class RawClient {
  /** Told of a message: the chunk that it is in, and where its packet's body is. */
  onMessage: (bytes: Buffer, from: number, to: number) => void = nothing;
  onAcknowledged: () => void = nothing;
  /** Told when everything that came at once was handled. */
  onRead: () => void = nothing;
  readonly #reader = new PacketReader((first, bytes, from, to) => {
    const kind = first >> 4;
    if (kind === PUBLISH) {
      if ((first & 0x06) !== 0) this.#acknowledge(bytes, from);
      this.onMessage(bytes, from, to);
    } else if (kind === PUBACK) this.onAcknowledged();
    else if (kind === CONNACK || kind === SUBACK) this.#answered(bytes[to - 1] ?? 128);
  });
  #isFrozen = false;
  #acks: Buffer[] = [];
  #waiting: ((code: number) => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => socket.destroy());
  }

  /** Resolves when the broker has let it in. */
  static async connect({ port, secure }: Target, id: string): Promise<RawClient> {
    const at = { host: '127.0.0.1', port };
    let take: (bytes: Buffer) => void = nothing;
    const socket =
      secure === undefined
        ? connectTcp({
            ...at,
            noDelay: true,
            onread: reading((bytes) => {
              take(bytes);
            }),
          })
        : connectTls({ ...at, secureContext: secure, servername: '' });
    await once(socket, secure === undefined ? 'connect' : 'secureConnect');
    const client = new RawClient(socket);
    take = (bytes) => {
      client.#take(bytes);
    };
    if (secure !== undefined) socket.on('data', take);
    await client.#ask(connectPacket(id), 0);
    return client;
  }

  async subscribe(topic: string, qos: 0 | 1): Promise<void> {
    await this.#ask(subscribePacket(topic, qos), qos);
  }

  /** Reads no more. */
  freeze(): void {
    this.#isFrozen = true;
    this.socket.pause();
  }

  #take(bytes: Buffer): void {
    if (this.#isFrozen) return;
    this.#reader.read(bytes);
    if (this.#acks.length > 0) this.socket.write(Buffer.concat(this.#acks));
    this.#acks = [];
    this.onRead();
  }

  #ask(packet: Buffer, expected: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        reject(new Error(`the broker did not answer ${(packet[0] ?? 0) >> 4}: ${why}`));
      };
      const gone = (): void => {
        fail('it closed the connection');
      };
      const late = setTimeout(fail, DEADLINE_MS, 'too late');
      this.socket.once('close', gone);
      this.#waiting = (code) => {
        clearTimeout(late);
        this.socket.off('close', gone);
        if (code === expected) resolve();
        else fail(`code ${code}`);
      };
      this.socket.write(packet);
    });
  }

  #answered(code: number): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(code);
  }

  #acknowledge(bytes: Buffer, from: number): void {
    const at = from + 2 + bytes.readUInt16BE(from);
    this.#acks.push(Buffer.from([PUBACK << 4, 2, bytes[at] ?? 0, bytes[at + 1] ?? 0]));
  }
}

/** So many clients, some at once. */
export async function connectAll(target: Target, count: number, prefix: string): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(50, count - clients.length) }, (_, index) =>
      RawClient.connect(target, `${prefix}${clients.length + index}`),
    );
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

/** All connections read into one piece of memory, past the streams: a stream's way costs more than the broker's work. */
const MEMORY = Buffer.allocUnsafe(256 * 1024);

function reading(take: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: MEMORY,
    callback: (length) => {
      take(MEMORY.subarray(0, length));
      return true;
    },
  };
}

function nothing(): void {
  return undefined;
}
