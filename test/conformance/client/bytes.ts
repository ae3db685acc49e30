/** Hand-made MQTT 3.1.1 bytes, well-formed or not: nothing here checks anything. */

/** First byte of each kind of packet, its reserved flags as the standard wants them. */
export const FIRST = {
  connect: 0x10,
  publish: 0x30,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  subscribe: 0x82,
  unsubscribe: 0xa2,
  pingreq: 0xc0,
  disconnect: 0xe0,
} as const;

export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

/** Bytes or text behind their length in two bytes. */
export function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

/** A packet of these parts behind a fixed header with the right remaining length. */
export function frame(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), remainingLength(body.length), body]);
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(length / 128);
    bytes.push((length % 128) | (rest > 0 ? 0x80 : 0));
    length = rest;
  } while (length > 0);
  return Buffer.from(bytes);
}

/** Bits of the CONNECT flags. */
export const FLAG = { reserved: 1, clean: 2, will: 4, willQos: (qos: number) => qos << 3, willRetain: 32 } as const;
export const USERNAME = 128;
export const PASSWORD = 64;

/** A CONNECT whose every part can be wrong. */
export function connect(parts: {
  readonly protocol?: string;
  readonly level?: number;
  readonly flags?: number;
  readonly keepalive?: number;
  readonly payload: readonly Buffer[];
}): Buffer {
  const { protocol = 'MQTT', level = 4, flags = FLAG.clean, keepalive = 0, payload } = parts;
  return frame(FIRST.connect, field(protocol), Buffer.from([level, flags]), u16(keepalive), ...payload);
}

/** A PUBLISH; flags are the low four bits of its first byte. */
export function publish(parts: {
  readonly flags?: number;
  readonly topic: string | Buffer;
  readonly id?: number;
  readonly payload?: string;
}): Buffer {
  const { flags = 0, topic, id, payload = 'x' } = parts;
  return frame(FIRST.publish | flags, field(topic), id === undefined ? Buffer.alloc(0) : u16(id), Buffer.from(payload));
}

/** A SUBSCRIBE for one filter. */
export function subscribe(id: number, filter: string | Buffer, qos = 0): Buffer {
  return frame(FIRST.subscribe, u16(id), field(filter), Buffer.from([qos]));
}

/** An UNSUBSCRIBE for one filter. */
export function unsubscribe(id: number, filter: string | Buffer): Buffer {
  return frame(FIRST.unsubscribe, u16(id), field(filter));
}
