/** MQTT 3.1.1 packets made and read by hand: a load that costs less than the broker that carries it. */

export const CONNACK = 2;
export const PUBLISH = 3;
export const PUBACK = 4;
export const SUBACK = 9;

export interface Publication {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
}

export function connectPacket(id: string): Buffer {
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0]);
  return packet(0x10, Buffer.concat([head, text(id)]));
}

export function subscribePacket(topic: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(topic), Buffer.from([qos])]));
}

/** The packet, and where its packet id is; a packet of QoS 0 has none. */
export function publishPacket({ topic, payload, qos }: Publication): { bytes: Buffer; idAt: number } {
  const id = qos === 0 ? Buffer.alloc(0) : Buffer.alloc(2);
  const bytes = packet(0x30 | (qos << 1), Buffer.concat([text(topic), id, payload]));
  return { bytes, idAt: bytes.length - payload.length - id.length };
}

function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length, more = true; more;) {
    const low = left & 0x7f;
    left >>= 7;
    more = left > 0;
    length.push(more ? low | 0x80 : low);
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** Told of a packet: its first byte, and where its body is. */
export type Take = (first: number, bytes: Buffer, from: number, to: number) => void;

/** Cuts what comes over a connection into packets. */
export class PacketReader {
  #rest: Buffer | undefined;

  constructor(private readonly take: Take) {}

  read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (let end = this.#one(bytes, at); end > 0; end = this.#one(bytes, at)) at = end;
    // Copied: what it came in is used again.
    this.#rest = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at));
  }

  /** Where the packet ends; 0 when it is not all there. */
  #one(bytes: Buffer, at: number): number {
    let [length, shift, from] = [0, 0, at + 1];
    for (let more = true; more; from += 1, shift += 7) {
      if (from >= bytes.length) return 0;
      const byte = bytes[from] ?? 0;
      length |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    if (from + length > bytes.length) return 0;
    this.take(bytes[at] ?? 0, bytes, from, from + length);
    return from + length;
  }
}
