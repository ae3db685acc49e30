import type { RoutedMessage } from '@selvage/protocol';

/** What a message is about, under the names that it has in headers: all of it visible ASCII, the rest escaped as in URLs. */
export function aboutOf({ topic, node, device, at, traceparent, contentType }: RoutedMessage): Record<string, string> {
  const all = {
    'content-type': headerValue(contentType) ?? 'application/octet-stream',
    'selvage-topic': escaped(topic),
    'selvage-node': node,
    'selvage-device': device === undefined ? undefined : escaped(device),
    'selvage-time': new Date(at).toISOString(),
    traceparent: headerValue(traceparent),
  };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

/** A text as it is, when a header can hold it. */
function headerValue(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? text : undefined;
}

function escaped(text: string): string {
  // Halves of surrogate pairs become U+FFFD on the way through UTF-8: they cannot be escaped.
  return encodeURI(Buffer.from(text).toString());
}
