import { type Publication, publishPacket } from './packets.js';
import type { RawClient } from './raw-client.js';

/** Sends one message again and again, in bursts that are one write each; never more on their way than it is given room for. */
export class Publisher {
  sent = 0;
  readonly #packet: { bytes: Buffer; idAt: number };
  #id = 0;

  constructor(
    private readonly client: RawClient,
    private readonly message: Publication,
  ) {
    this.#packet = publishPacket(message);
  }

  /** Where the payload begins in a packet. */
  get payloadAt(): number {
    return this.#packet.bytes.length - this.message.payload.length;
  }

  /** `change` may write into each packet before it goes. */
  send(count: number, change?: (packet: Buffer) => void): void {
    if (count <= 0) return;
    const { bytes, idAt } = this.#packet;
    const burst = Buffer.allocUnsafe(bytes.length * count);
    for (let at = 0; at < burst.length; at += bytes.length) {
      bytes.copy(burst, at);
      if (this.message.qos > 0) burst.writeUInt16BE(this.#nextId(), at + idAt);
      change?.(burst.subarray(at, at + bytes.length));
    }
    this.client.socket.write(burst);
    this.sent += count;
  }

  #nextId(): number {
    this.#id = (this.#id % 65_535) + 1;
    return this.#id;
  }
}
