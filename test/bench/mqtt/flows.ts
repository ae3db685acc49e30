import { type Figure, median } from '../figure.js';
import { amount, type MqttBench } from './bench.js';
import { type BrokerName, BROKERS } from './brokers.js';
import type { Flow, Flowed } from './words.js';

type Shape = Pick<Flow, 'publishers' | 'subscribers' | 'qos' | 'window'>;

interface FlowFigure extends Shape {
  readonly number: number;
  readonly title: string;
  /** Times mosquitto. */
  readonly target: number;
}

const BYTES = 64;
const FIGURES: readonly FlowFigure[] = [
  { number: 5, title: 'QoS 0 throughput 1:1', target: 1, publishers: 1, subscribers: 1, qos: 0, window: 1000 },
  { number: 6, title: 'QoS 1 throughput 50:50', target: 1, publishers: 50, subscribers: 50, qos: 1, window: 20 },
  { number: 7, title: 'fan-out 1 → 1,000', target: 1.5, publishers: 1, subscribers: 1000, qos: 0, window: 20 },
];

/** Figures 5 to 7: what arrives at subscribers in a second, with the broker's core as the limit. */
export function flowFigures(bench: MqttBench): Figure[] {
  return FIGURES.map(({ number, title, target, ...shape }) => ({
    number,
    title,
    unit: 'deliveries/s of core',
    target: `≥ ${target} × mosquitto`,
    measure: async ({ pairs, log }) => {
      const rates = new Map<BrokerName, number[]>(BROKERS.map((name) => [name, []]));
      const [busy, wall]: [number[], number[]] = [[], []];
      for (let pair = 0; pair < pairs; pair += 1)
        for (const name of BROKERS) {
          const flowed = await once(bench, name, shape);
          log(
            `${name}: ${flowed.perCoreSecond.toFixed(0)}/s of core, ${flowed.perSecond.toFixed(0)}/s, the load used ${(flowed.busy * 100).toFixed(0)} % of its core`,
          );
          rates.get(name)?.push(flowed.perCoreSecond);
          busy.push(flowed.busy);
          if (name === 'selvage') wall.push(flowed.perSecond);
        }
      const [ours = [], mosquitto = [], aedes = []] = BROKERS.map((name) => rates.get(name) ?? []);
      const beside = [
        { name: 'mosquitto', values: mosquitto },
        { name: 'raw aedes', values: aedes },
      ];
      const how = `${BYTES} bytes, ${shape.window} messages of a publisher on their way; by the broker's processor time, since others share its core; the load used ${(Math.max(...busy) * 100).toFixed(0)} % of its core at most; by the clock ours were ${median(wall).toFixed(0)}/s`;
      return { ours, beside, met: median(ours) >= target * median(mosquitto), how };
    },
  }));
}

function once(bench: MqttBench, name: BrokerName, shape: Shape): Promise<Flowed> {
  return bench.with(name, {}, async ({ port, pid }, ask) => {
    const flow = { port, pid, bytes: BYTES, seconds: amount.seconds, ...shape };
    return (await ask({ do: 'flow', flow })) as Flowed;
  });
}

/** Figure 11: the same load with and without somebody who takes everything and reads nothing. */
export function frozenFigure(bench: MqttBench): Figure {
  const shape: Shape = { publishers: 10, subscribers: 10, qos: 1, window: 20 };
  const run = async (name: BrokerName, frozen: boolean): Promise<number> =>
    bench.with(name, {}, async ({ port, pid }, ask) => {
      const flow = { ...shape, port, pid, bytes: BYTES, frozen, seconds: Math.max(amount.seconds, 2) };
      return ((await ask({ do: 'flow', flow })) as Flowed).perCoreSecond;
    });
  return {
    number: 11,
    title: 'healthy QoS 1 throughput 10:10 with one frozen subscriber',
    unit: 'deliveries/s of core',
    target: '≥ 99 % of without',
    measure: async ({ pairs }) => {
      const values: [number[], number[], number[], number[]] = [[], [], [], []];
      for (let pair = 0; pair < pairs; pair += 1) {
        values[0].push(await run('selvage', true));
        values[1].push(await run('selvage', false));
        values[2].push(await run('mosquitto', true));
        values[3].push(await run('mosquitto', false));
      }
      const [ours, without, other, otherWithout] = values;
      const beside = [
        { name: 'without it', values: without },
        { name: 'mosquitto with it', values: other },
        { name: 'mosquitto without it', values: otherWithout },
      ];
      const how = 'the frozen one subscribes to everything before the load begins and is cut off while it lasts';
      return { ours, beside, met: median(ours) >= 0.99 * median(without), how };
    },
  };
}
