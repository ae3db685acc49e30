import { setTimeout as later } from 'node:timers/promises';
import { quantile } from '../figure.js';
import { Publisher } from './publisher.js';
import { connectAll } from './raw-client.js';
import type { Latencies, Latency } from './words.js';

const EVERY_MS = 1_000;
const STAMP_BYTES = 64;

/** One message per second and pair, spread over the second. */
export async function latency(wanted: Latency): Promise<Latencies> {
  const { clients, seconds } = wanted;
  const into = await connectAll(wanted, clients, 's');
  for (const [index, client] of into.entries()) await client.subscribe(`t/${index}`, 0);
  const out = await connectAll(wanted, clients, 'p');
  const payload = Buffer.alloc(STAMP_BYTES);
  const publishers = out.map((client, index) => new Publisher(client, { topic: `t/${index}`, payload, qos: 0 }));
  const taken: number[] = [];
  let isMeasured = false;
  for (const client of into)
    client.onMessage = (bytes, _from, to) => {
      const ms = performance.now() - bytes.readDoubleBE(to - STAMP_BYTES);
      if (isMeasured) taken.push(ms);
    };
  const begun = performance.now();
  let next = 0;
  while (performance.now() - begun < (seconds + 1) * 1000) {
    isMeasured = performance.now() - begun > 1000;
    const due = Math.floor(((performance.now() - begun) / EVERY_MS) * clients);
    for (; next < due; next += 1) {
      const publisher = publishers[next % clients];
      publisher?.send(1, (packet) => packet.writeDoubleBE(performance.now(), publisher.payloadAt));
    }
    await later(1);
  }
  await later(200);
  for (const { socket } of [...into, ...out]) socket.destroy();
  return { p50: quantile(taken, 0.5), p99: quantile(taken, 0.99), count: taken.length };
}
