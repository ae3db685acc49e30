/** Messages as the bytes of one record: a JSON head of known length, then the payload as it came. */
import { z } from 'zod';

const head = z.object({
  t: z.string(),
  q: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  r: z.boolean().default(false),
  m: z.int().optional(),
  rel: z.literal(true).optional(),
});

export interface MessageRecord {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly payload: Buffer;
  readonly messageId?: number | undefined;
  /** It stands for the PUBREL of a QoS 2 message. */
  readonly isRelease?: boolean;
}

export function encodeMessage({
  topic: t,
  qos: q,
  retain: r,
  payload,
  messageId: m,
  isRelease,
}: MessageRecord): Buffer {
  const text = JSON.stringify({
    t,
    q,
    ...(r && { r }),
    ...(m !== undefined && { m }),
    ...(isRelease && { rel: true }),
  });
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + length + payload.byteLength);
  bytes.writeUInt32BE(length, 0);
  bytes.write(text, 4);
  payload.copy(bytes, 4 + length);
  return bytes;
}

/** Undefined for bytes that are no message: a damaged record is passed over. */
export function decodeMessage(bytes: Buffer): MessageRecord | undefined {
  if (bytes.length < 4) return undefined;
  const start = 4 + bytes.readUInt32BE(0);
  const parsed = head.safeParse(parseJson(bytes.subarray(4, start).toString('utf8')));
  if (start > bytes.length || !parsed.success) return undefined;
  const { t: topic, q: qos, r: retain, m: messageId, rel } = parsed.data;
  return { topic, qos, retain, messageId, isRelease: rel === true, payload: bytes.subarray(start) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
