import forge from 'node-forge';

const { asn1, util } = forge;
type Node = forge.asn1.Asn1;

/** Bit strings stay bytes; trailing bytes are an error. */
const STRICT = { strict: true, parseAllBytes: true, decodeBitStrings: false };

/**
 * The few shapes of DER that certificates and signing requests are made of. Bytes go in and out as `Buffer`; forge's own
 * binary strings stay in this file.
 */
export const der = {
  sequence: (...parts: Node[]): Node => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts),
  set: (...parts: Node[]): Node => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, parts),
  oid: (dotted: string): Node => primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes()),
  utf8: (text: string): Node => primitive(asn1.Type.UTF8, util.encodeUtf8(text)),
  boolean: (value: boolean): Node => primitive(asn1.Type.BOOLEAN, value ? '\xff' : '\x00'),
  octets: (bytes: Buffer): Node => primitive(asn1.Type.OCTETSTRING, bytes.toString('latin1')),
  /** A positive integer of any size, big-endian. */
  integer: (bytes: Buffer): Node => primitive(asn1.Type.INTEGER, positive(bytes).toString('latin1')),
  /** All bits of all bytes but the last `unused` ones. */
  bits: (bytes: Buffer, unused = 0): Node =>
    primitive(asn1.Type.BITSTRING, Buffer.concat([Buffer.of(unused), bytes]).toString('latin1')),
  /** UTCTime until 2049, GeneralizedTime from 2050 [RFC 5280, 4.1.2.5]. */
  time: (at: Date): Node =>
    at.getUTCFullYear() < 2050
      ? primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(at))
      : primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(at)),
  /** `[number]` around other nodes. */
  tagged: (number: number, ...parts: Node[]): Node => context(number, parts),
  /** `[number]` with bytes of its own. */
  taggedBytes: (number: number, bytes: Buffer): Node => context(number, bytes.toString('latin1')),
  /** Bytes that are DER already, such as a public key. */
  raw: (bytes: Buffer): Node => decode(bytes),
};

export type DerNode = Node;

export function encode(node: Node): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** Reads DER whole; throws `Error` on anything else, trailing bytes included. */
export function decode(bytes: Buffer): Node {
  return asn1.fromDer(util.createBuffer(bytes.toString('latin1')), STRICT);
}

/** Parts of a constructed node; throws when it has none. */
export function parts(node: Node | undefined): Node[] {
  if (node === undefined || !Array.isArray(node.value)) throw new Error('not the expected structure');
  return node.value;
}

/** Bytes of a primitive node; throws when it is constructed. */
export function content(node: Node | undefined): Buffer {
  if (node === undefined || typeof node.value !== 'string') throw new Error('not the expected structure');
  return Buffer.from(node.value, 'latin1');
}

/** Dotted object identifier of a node. */
export function oidOf(node: Node | undefined): string {
  return asn1.derToOid(util.createBuffer(content(node).toString('latin1')));
}

/** DER out of PEM with the given label, or the bytes themselves; throws when it is neither. */
export function fromPem(text: string, label: string): Buffer {
  const body = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text)?.[1];
  if (body === undefined) throw new Error(`no ${label} in PEM`);
  return Buffer.from(body, 'base64');
}

export function toPem(bytes: Buffer, label: string): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function primitive(type: forge.asn1.Type, bytes: string): Node {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, bytes);
}

function context(number: number, value: string | Node[]): Node {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, number, Array.isArray(value), value);
}

function positive(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const short = bytes.subarray(start);
  return (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short;
}
