import { type Figure, median } from '../figure.js';
import { amount, type MqttBench } from './bench.js';
import type { BrokerName } from './brokers.js';

const SAMPLES = 20;
/** Samples while the code is still being compiled. */
const WARM = 4;
const TARGET_MIB = 2;

/** Figure 4: whether a broker grows with what it has carried. */
export function growthFigure(bench: MqttBench): Figure {
  return {
    number: 4,
    title: `memory growth over ${amount.messages} messages`,
    unit: 'MiB',
    target: `≤ ${TARGET_MIB} MiB`,
    measure: async ({ log }) => {
      const ours = [await growth(bench, 'selvage', log)];
      const beside = [{ name: 'raw aedes', values: [await growth(bench, 'raw aedes', log)] }];
      const how = `QoS 1, 10:10; slope of a line through ${SAMPLES - WARM} samples of the resident memory without garbage, after ${WARM} that warm it up`;
      return { ours, beside, met: median(ours) <= TARGET_MIB, how };
    },
  };
}

function growth(bench: MqttBench, name: BrokerName, log: (line: string) => void): Promise<number> {
  return bench.with(name, {}, async (broker, ask) => {
    const samples: number[] = [];
    const deliveries = Math.ceil(amount.messages / SAMPLES);
    const shape = { publishers: 10, subscribers: 10, qos: 1, window: 100, bytes: 64 } as const;
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      await ask({ do: 'flow', flow: { ...shape, port: broker.port, pid: broker.pid, deliveries } });
      samples.push(await broker.memory());
    }
    log(`${name}: ${samples.map((mib) => mib.toFixed(1)).join(' ')} MiB`);
    return slope(samples.slice(WARM)) * SAMPLES;
  });
}

/** Of the line that fits best through values at equal distances, per distance. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const products = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  return products / values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
}
