/** What the node says to the device, out of bytes. */
import { baseMessage, deviceTopic } from '@selvage/protocol';

/** What a device listens to. */
export const STATE_TOPICS = [
  'twin/get/result',
  'twin/update/result',
  'twin/update/delta',
  'state/update/result',
] as const;

/** Longest message of the node that is read, bytes: a twin of 1024 keys with both sides fits. */
const MAX_BYTES = 4 * 1024 * 1024;

/** A message of the node. */
export interface StateMessage {
  readonly of: (typeof STATE_TOPICS)[number];
  readonly eventId: string;
  readonly body: unknown;
}

/** Reads a message to the device; undefined when it is for somebody else, too long or no JSON object. */
export function stateMessage(device: string, topic: string, payload: Uint8Array): StateMessage | undefined {
  const of = STATE_TOPICS.find((one) => topic === deviceTopic(device, one));
  if (of === undefined || payload.byteLength > MAX_BYTES) return undefined;
  const body = jsonOf(payload);
  const base = baseMessage.safeParse(body);
  return base.success ? { of, eventId: base.data.event_id ?? '', body } : undefined;
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}
