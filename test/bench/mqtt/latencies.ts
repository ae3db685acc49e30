import { type Figure, median } from '../figure.js';
import { amount, type MqttBench } from './bench.js';
import { BROKERS } from './brokers.js';
import type { Latencies } from './words.js';

const CLIENTS = 1_000;
const TARGET_MS = 2;

/** Figure 8: how long a message is on its way when a thousand publishers send one in a second. */
export function latencyFigure(bench: MqttBench): Figure {
  return {
    number: 8,
    title: `publish-to-receive p99 at ${CLIENTS}:${CLIENTS}, 1 msg/s each`,
    unit: 'ms',
    target: `≤ ${TARGET_MS} ms`,
    measure: async ({ pairs, log }) => {
      const values: [number[], number[], number[]] = [[], [], []];
      for (let pair = 0; pair < pairs; pair += 1)
        for (const [index, name] of BROKERS.entries()) {
          const { p50, p99, count } = await bench.with(name, {}, async ({ port }, ask) => {
            const of = { port, clients: CLIENTS, seconds: amount.seconds };
            return (await ask({ do: 'latency', of })) as Latencies;
          });
          log(`${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms of ${count}`);
          values[index]?.push(p99);
        }
      const [ours, mosquitto, aedes] = values;
      const beside = [
        { name: 'mosquitto', values: mosquitto },
        { name: 'raw aedes', values: aedes },
      ];
      const how = 'from the write to the read of one process, QoS 0, 64 bytes; sent every millisecond what is due';
      return { ours, beside, met: median(ours) <= TARGET_MS, how };
    },
  };
}
