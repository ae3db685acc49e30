import { generate } from 'mqtt-packet';
import { type BrokerPacket, bytesOf } from './packet.js';

const QOS_MASK = 0b0000_0110;
const DUP = 0b0000_1000;

interface Encoded {
  readonly topic: string;
  readonly retain: boolean;
  /** The packet of QoS 0, and the one of QoS 1 with the place of its packet id. */
  zero?: Buffer;
  one?: { readonly bytes: Buffer; readonly idAt: number };
}

/** What was encoded already, by the payload that it shares. */
interface Memory {
  get(payload: Buffer): Encoded | undefined;
  set(payload: Buffer, encoded: Encoded): unknown;
}

/** Remembers one message: a weak map with an entry for each is work for the garbage collector, more than encoding is. */
class LastOne implements Memory {
  #payload: Buffer | undefined;
  #encoded: Encoded | undefined;

  get(payload: Buffer): Encoded | undefined {
    return payload === this.#payload ? this.#encoded : undefined;
  }

  set(payload: Buffer, encoded: Encoded): void {
    this.#payload = payload;
    this.#encoded = encoded;
  }
}

/** Encodes a message once for all who get it. */
export class PublishEncoder {
  readonly #done: Memory;

  private constructor(memory: Memory) {
    this.#done = memory;
  }

  /** For messages that all get at the same time, one message after the other. */
  static forMany(): PublishEncoder {
    return new PublishEncoder(new LastOne());
  }

  /** For messages that each gets at its own time, as long as somebody still holds them. */
  static forQueues(): PublishEncoder {
    return new PublishEncoder(new WeakMap());
  }

  /** A PUBLISH of QoS 0: the same bytes for everybody. */
  zero(packet: BrokerPacket): Buffer {
    const encoded = this.#of(packet);
    return (encoded.zero ??= encode(packet, { qos: 0 }));
  }

  /** A PUBLISH of QoS 1 or 2 with a packet id: a copy in which only that differs. */
  withId(packet: BrokerPacket, { qos, messageId, dup }: { qos: 1 | 2; messageId: number; dup: boolean }): Buffer {
    const encoded = this.#of(packet);
    const { bytes, idAt } = (encoded.one ??= template(packet));
    const copy = Buffer.from(bytes);
    copy.writeUInt16BE(messageId, idAt);
    copy[0] = ((copy[0] ?? 0) & ~QOS_MASK) | (qos << 1) | (dup ? DUP : 0);
    return copy;
  }

  #of(packet: BrokerPacket): Encoded {
    const payload = typeof packet.payload === 'string' ? undefined : packet.payload;
    const known = payload && this.#done.get(payload);
    if (known?.topic === packet.topic && known.retain === packet.retain) return known;
    const fresh: Encoded = { topic: packet.topic, retain: packet.retain };
    if (payload !== undefined) this.#done.set(payload, fresh);
    return fresh;
  }
}

function template(packet: BrokerPacket): { bytes: Buffer; idAt: number } {
  const bytes = encode(packet, { qos: 1, messageId: 1 });
  return { bytes, idAt: bytes.length - bytesOf(packet.payload).length - 2 };
}

function encode({ topic, payload, retain }: BrokerPacket, given: { qos: 0 | 1; messageId?: number }): Buffer {
  return generate({ cmd: 'publish', topic, payload, retain, dup: false, ...given });
}
