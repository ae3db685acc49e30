import type { Outgoing } from './kind.js';

/**
 * Where an object lies: what the route's `topic` says, else project and route; the day; the number and id of its first message. Whoever
 * sends that message first again writes the same object, and the messages of one that is replaced are all still to come.
 */
export function keyOf(messages: readonly Outgoing[]): string {
  const [first] = messages;
  if (first === undefined) throw new Error('an object has a message at least');
  const { message, seq, route, topic } = first;
  const begin = topic === undefined ? `${route.project}/${route.name}` : topic.replace(/^\/+|\/+$/g, '');
  const day = new Date(message.at).toISOString().slice(0, 10).replaceAll('-', '/');
  const name = `${String(seq).padStart(16, '0')}-${message.id}.jsonl`;
  return [...begin.split('/'), day, name.replace(/[^A-Za-z0-9._-]/g, '_')].map(segmentOf).join('/');
}

/** A line of JSON per message; the payload is Base64, so that a line is a line whatever is in it. */
export function linesOf(messages: readonly Outgoing[]): Buffer {
  return Buffer.from(messages.map((one) => `${JSON.stringify(lineOf(one))}\n`).join(''));
}

function lineOf({ message, route }: Outgoing): Record<string, unknown> {
  const { id, node, device, topic, at, contentType, payload } = message;
  return {
    ...{ id, project: route.project, route: route.name, node, device, topic },
    ...{ at: new Date(at).toISOString(), contentType, payload: Buffer.from(payload).toString('base64') },
  };
}

/** Safe characters only: a day's slashes stay. */
function segmentOf(text: string): string {
  return text.replace(/[^A-Za-z0-9._/-]/g, '_').replace(/^\.+$/, '_');
}
