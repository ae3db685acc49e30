import { type Figure, median } from '../figure.js';
import { amount, type Ask, type MqttBench } from './bench.js';
import type { BrokerName, BrokerProcess } from './brokers.js';
import { ceiling, redisSets } from './ceilings.js';
import type { Ingest, Ingested } from './words.js';

const BYTES = 256;
const MANY = { publishers: 64, window: 10 };
const SINGLE = { publishers: 1, window: 1 };
const HALF_P99_MS = 10;
const TARGET = 60_000;

type Load = Pick<Ingest, 'publishers' | 'window'> & { readonly perSecond?: number };

/** Figure 12: messages that are on the disk before they are acknowledged. */
export function durableFigures(bench: MqttBench): Figure[] {
  return [many(bench), half(bench), single(bench)];
}

function many(bench: MqttBench): Figure {
  return {
    number: 12,
    title: 'durable QoS 1 ingest, 64 publishers × 10 on their way',
    unit: '/s',
    target: `≥ 0.8 × raw aedes and ≥ ${TARGET}/s`,
    measure: async ({ pairs, log }) => {
      const [ours, aedes, batches, redis]: [number[], number[], number[], number[]] = [[], [], [], []];
      for (let pair = 0; pair < pairs; pair += 1) {
        ours.push((await ingest(bench, 'selvage', MANY)).perSecond);
        aedes.push((await ingest(bench, 'raw aedes', MANY)).perSecond);
        const open = MANY.publishers * MANY.window;
        batches.push(await ceiling(bench.programs, { do: 'outbox', seconds: amount.seconds, open, bytes: BYTES }));
        redis.push((await redisSets(MANY.publishers, MANY.window)) ?? NaN);
        log(`ours ${short(ours)}, raw aedes ${short(aedes)}, outbox ${short(batches)}, redis ${short(redis)}`);
      }
      const beside = [
        { name: 'raw aedes, not stored', values: aedes },
        { name: 'the outbox alone', values: batches },
        { name: 'redis appendfsync always', values: redis },
      ];
      const isMet = median(ours) >= 0.8 * median(aedes) && median(ours) >= TARGET;
      return { ours, beside, met: isMet, how: '256 bytes into the outbox, synced before PUBACK' };
    },
  };
}

function half(bench: MqttBench): Figure {
  return {
    number: 12,
    title: 'durable QoS 1 ingest at half of what it can: acknowledgement p99',
    unit: 'ms',
    target: `≤ ${HALF_P99_MS} ms`,
    measure: async ({ pairs, log }) => {
      const full = (await ingest(bench, 'selvage', MANY)).perSecond;
      const values: [number[], number[]] = [[], []];
      for (let pair = 0; pair < pairs; pair += 1) {
        for (const [index, name] of (['selvage', 'raw aedes'] as const).entries()) {
          const { p99, perSecond } = await ingest(bench, name, { ...MANY, perSecond: full / 2 });
          log(`${name}: p99 ${p99.toFixed(2)} ms at ${perSecond.toFixed(0)}/s`);
          values[index]?.push(p99);
        }
      }
      const [ours, aedes] = values;
      const how = `at ${(full / 2).toFixed(0)}/s, sent every millisecond what is due`;
      const beside = [{ name: 'raw aedes, not stored', values: aedes }];
      return { ours, beside, met: median(ours) <= HALF_P99_MS, how };
    },
  };
}

function single(bench: MqttBench): Figure {
  return {
    number: 12,
    title: 'durable QoS 1 ingest, one publisher × 1 on its way',
    unit: '/s',
    target: '≥ 90 % of the fdatasync rate',
    measure: async ({ pairs, log }) => {
      const [ours, syncs, alone, redis]: [number[], number[], number[], number[]] = [[], [], [], []];
      const [open, bytes, seconds] = [1, BYTES, amount.seconds];
      for (let pair = 0; pair < pairs; pair += 1) {
        ours.push((await ingest(bench, 'selvage', SINGLE)).perSecond);
        syncs.push(await ceiling(bench.programs, { do: 'fdatasync', seconds, open, bytes }));
        alone.push(await ceiling(bench.programs, { do: 'outbox', seconds, open, bytes }));
        redis.push((await redisSets(1, 1)) ?? NaN);
        log(`ours ${short(ours)}, fdatasync ${short(syncs)}, outbox ${short(alone)}, redis ${short(redis)}`);
      }
      const beside = [
        { name: 'write and fdatasync of 4 KiB', values: syncs },
        { name: 'the outbox alone', values: alone },
        { name: 'redis appendfsync always', values: redis },
      ];
      return { ours, beside, met: median(ours) >= 0.9 * median(syncs), how: '256 bytes into the outbox' };
    },
  };
}

function ingest(bench: MqttBench, name: BrokerName, load: Load): Promise<Ingested> {
  return bench.with(name, {}, ({ port }, ask) => sent(ask, { port, ...load, bytes: BYTES, topic: 'ingest/#' }));
}

async function sent(ask: Ask, of: Omit<Ingest, 'seconds'>): Promise<Ingested> {
  return (await ask({ do: 'ingest', of: { ...of, seconds: amount.seconds } })) as Ingested;
}

/** Figure 15: updates of twins that are on the disk before they are acknowledged. */
export function twinFigure(bench: MqttBench): Figure {
  const devices = Array.from({ length: MANY.publishers }, (_, index) => `d${index}`);
  const payload = JSON.stringify({ event_id: 'e', twin: { temperature: { actual: { value: '21.5' } } } });
  const run = (broker: BrokerProcess, ask: Ask): Promise<Ingested> =>
    sent(ask, { port: broker.port, ...MANY, bytes: 0, topic: '$hw/events/device/d#/twin/update', payload });
  return {
    number: 15,
    title: `durable twin updates of ${devices.length} devices`,
    unit: '/s',
    target: '≥ 5,000/s',
    measure: async ({ pairs, log }) => {
      const [ours, batches]: [number[], number[]] = [[], []];
      for (let pair = 0; pair < pairs; pair += 1) {
        const { perSecond, p99 } = await bench.with('selvage', { devices }, run);
        log(`${perSecond.toFixed(0)}/s, p99 ${p99.toFixed(1)} ms`);
        ours.push(perSecond);
        const needs = { seconds: amount.seconds, open: MANY.publishers * MANY.window, bytes: BYTES };
        batches.push(await ceiling(bench.programs, { do: 'journal', ...needs }));
      }
      const how =
        'twin/update at QoS 1, 10 of each device on their way, until the PUBACK; answers and documents are published';
      return { ours, beside: [{ name: 'the journal alone', values: batches }], met: median(ours) >= 5_000, how };
    },
  };
}

function short(values: readonly number[]): string {
  return (values.at(-1) ?? NaN).toFixed(0);
}
