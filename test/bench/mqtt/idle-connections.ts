import { type Figure, median } from '../figure.js';
import { cryptoSpeed, handshakeSeconds } from '../fleet/machine.js';
import { amount, type Ask, type MqttBench } from './bench.js';
import { type BrokerName, BROKERS, type BrokerProcess } from './brokers.js';

const TARGET_KIB = { plain: 6, tls: 25 };

/** Figure 9: what a broker holds for a connection over which nothing comes. */
export function idleFigures(bench: MqttBench): Figure[] {
  return (['plain', 'tls'] as const).map((kind) => ({
    number: 9,
    title: `memory of an idle connection, ${kind === 'tls' ? 'mutual TLS' : kind}`,
    unit: 'KiB',
    target: `≤ ${TARGET_KIB[kind]} KiB`,
    measure: async ({ pairs, log }) => {
      const values: [number[], number[], number[]] = [[], [], []];
      for (let pair = 0; pair < pairs; pair += 1)
        for (const [index, name] of BROKERS.entries()) {
          const kib = await memoryOfOne(bench, name, kind);
          log(`${name}: ${kib.toFixed(1)} KiB`);
          values[index]?.push(kib);
        }
      const [ours, mosquitto, aedes] = values;
      const beside = [
        { name: 'mosquitto', values: mosquitto },
        { name: 'raw aedes', values: aedes },
      ];
      const how = `resident memory without garbage, of ${amount.idle[kind]} connections, the first 100 left out`;
      return { ours, beside, met: median(ours) <= TARGET_KIB[kind], how };
    },
  }));
}

function memoryOfOne(bench: MqttBench, name: BrokerName, kind: 'plain' | 'tls'): Promise<number> {
  return bench.with(name, {}, async (broker, ask) => {
    const at = kind === 'tls' ? broker.tls : { port: broker.port };
    // The first ones bring code and pools that all share.
    await ask({ do: 'idle', of: { ...at, connections: 100, prefix: 'first' } });
    const before = await broker.memory();
    await ask({ do: 'idle', of: { ...at, connections: amount.idle[kind], prefix: 'idle' } });
    return (((await broker.memory()) - before) * 1024) / amount.idle[kind];
  });
}

/** Figure 10: connections with a certificate each, beside what their cryptography costs alone. */
export function connectsFigure(bench: MqttBench): Figure {
  return {
    number: 10,
    title: 'mutual TLS connects',
    unit: '/s and core',
    target: '≥ 25 % of the bound',
    measure: async ({ pairs, log }) => {
      const values: [number[], number[], number[]] = [[], [], []];
      const bound: number[] = [];
      for (let pair = 0; pair < pairs; pair += 1) {
        for (const [index, name] of BROKERS.entries()) {
          const rate = await bench.with(name, {}, (broker, ask) => connects(broker, ask));
          log(`${name}: ${rate.toFixed(0)} connects for a second of its core`);
          values[index]?.push(rate);
        }
        bound.push(1 / handshakeSeconds(1, cryptoSpeed()));
      }
      const [ours, mosquitto, aedes] = values;
      const beside = [
        { name: 'bound of openssl speed', values: bound },
        { name: 'mosquitto', values: mosquitto },
        { name: 'raw aedes', values: aedes },
      ];
      const how =
        'TLS 1.3 without resumption, CONNECT to CONNACK, close; connects by the processor time of the broker, since a client costs as much';
      return { ours, beside, met: median(ours) >= 0.25 * median(bound), how };
    },
  };
}

async function connects(broker: BrokerProcess, ask: Ask): Promise<number> {
  const run = async (seconds: number): Promise<number> =>
    ((await ask({ do: 'connects', of: { ...broker.tls, sideBySide: 16, seconds } })) as { connected: number })
      .connected;
  await run(1);
  const before = broker.cpu;
  const connected = await run(amount.seconds);
  return connected / (broker.cpu - before);
}
