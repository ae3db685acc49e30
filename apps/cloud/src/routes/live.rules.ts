import type { LiveMessage, RoutedMessage } from '@selvage/protocol';

const MAX_SHOWN = 16 * 1024;

/** A message as readers get it. `missed`: so many before it that this reader was too slow for. */
export function shownLive(message: RoutedMessage, missed: number): LiveMessage {
  const { id, topic, node, device, at, contentType, payload } = message;
  return {
    ...{ id, topic, at: new Date(at).toISOString(), size: payload.byteLength },
    ...(node !== undefined && { node }),
    ...(device !== undefined && { device }),
    ...(contentType !== undefined && { contentType }),
    payload: Buffer.from(payload.subarray(0, MAX_SHOWN)).toString('base64'),
    ...(missed > 0 && { missed }),
  };
}
