import { setTimeout as later } from 'node:timers/promises';
import { quantile } from '../figure.js';
import { Publisher } from './publisher.js';
import { connectAll } from './raw-client.js';
import type { Ingest, Ingested } from './words.js';

const WARM_MS = 1_000;

interface Source {
  readonly publisher: Publisher;
  /** When the messages that are not acknowledged were sent, oldest first. */
  readonly sentAt: number[];
}

/** QoS 1 messages into a broker; how long each waited for its acknowledgement. */
export async function ingest(wanted: Ingest): Promise<Ingested> {
  const { publishers, window, seconds, perSecond } = wanted;
  const clients = await connectAll(wanted, publishers, 'p');
  const payload = wanted.payload === undefined ? Buffer.alloc(wanted.bytes, 'x') : Buffer.from(wanted.payload);
  const taken: number[] = [];
  let [acknowledged, isMeasured, isOver] = [0, false, false];
  const sources = clients.map((client, index): Source => {
    const topic = wanted.topic.replace('#', String(index));
    const source = { publisher: new Publisher(client, { topic, payload, qos: 1 }), sentAt: [] as number[] };
    client.onAcknowledged = () => {
      const at = source.sentAt.shift() ?? NaN;
      if (isMeasured) {
        acknowledged += 1;
        taken.push(performance.now() - at);
      }
    };
    // A client that acknowledgements let go on sends what it may in one write.
    client.onRead = () => {
      if (perSecond === undefined && !isOver) send(source, window - source.sentAt.length);
    };
    return source;
  });
  const begun = performance.now();
  if (perSecond === undefined) for (const source of sources) send(source, window);
  else void pace(sources, { perSecond, isOver: () => isOver });
  await later(Math.max(0, begun + WARM_MS - performance.now()));
  isMeasured = true;
  const from = performance.now();
  await later(seconds * 1000);
  isOver = true;
  isMeasured = false;
  const ms = performance.now() - from;
  const lost = clients.filter(({ socket }) => socket.destroyed).length;
  for (const { socket } of clients) socket.destroy();
  if (acknowledged === 0 || lost > 0)
    throw new Error(`${acknowledged} messages were acknowledged in ${seconds} s; ${lost} connections were lost`);
  return { perSecond: (acknowledged / ms) * 1000, p50: quantile(taken, 0.5), p99: quantile(taken, 0.99) };
}

function send({ publisher, sentAt }: Source, count: number): void {
  const now = performance.now();
  for (let sent = 0; sent < count; sent += 1) sentAt.push(now);
  publisher.send(count);
}

async function pace(sources: readonly Source[], of: { perSecond: number; isOver: () => boolean }): Promise<void> {
  const begun = performance.now();
  let next = 0;
  while (!of.isOver()) {
    const due = Math.floor(((performance.now() - begun) / 1000) * of.perSecond);
    for (; next < due; next += 1) {
      const source = sources[next % sources.length];
      if (source !== undefined) send(source, 1);
    }
    await later(1);
  }
}
