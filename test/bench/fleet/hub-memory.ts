import { type Figure, median } from '../figure.js';
import { BareProcess } from './bare-process.js';
import { pass } from './paced.js';
import type { FleetSite } from './site.js';

const SETTLE_SECONDS = Number(process.env.SELVAGE_BENCH_SETTLE_SECONDS ?? 65);
const ROUNDS = 2;
const TARGET_KIB = 40;

export function hubMemory(site: FleetSite): Figure {
  return {
    number: 16,
    title: `hub memory per connected node, ${site.nodes} nodes`,
    unit: 'KiB',
    target: `≤ ${TARGET_KIB} KiB`,
    measure: async ({ pairs, log }) => {
      const ours: number[] = [];
      const uncollected: number[] = [];
      const bare: number[] = [];
      for (let round = 0; round < Math.min(pairs, ROUNDS); round += 1) {
        const ofHub = await measureHub(site);
        ours.push(ofHub.collected);
        uncollected.push(ofHub.asIs);
        bare.push(await measureBare(site, log));
        log(
          `hub ${ofHub.collected.toFixed(1)}, as it is ${ofHub.asIs.toFixed(1)}, bare ${bare.at(-1)?.toFixed(1) ?? ''} KiB`,
        );
      }
      const beside = [
        { name: 'bare ws over mutual TLS', values: bare },
        { name: 'hub before a full garbage collection', values: uncollected },
      ];
      const how =
        'Rss with all nodes connected and idle for a heartbeat, minus Rss with none, both after a full garbage collection, by the number of nodes';
      return { ours, beside, met: median(ours) <= TARGET_KIB, how };
    },
  };
}

async function measureHub(site: FleetSite): Promise<{ asIs: number; collected: number }> {
  const { hub, fleet } = await site.with(site.nodes);
  await fleet.connect(0);
  await hub.restart('SIGTERM');
  await pass(2);
  const empty = await hub.memory();
  await hub.profiled('connect', () => fleet.connect(site.nodes));
  await pass(SETTLE_SECONDS);
  const full = await hub.memory();
  await fleet.connectedAre(site.nodes);
  await hub.snapshot('connected');
  const perNode = (mib: number): number => ((mib - empty.collected) * 1024) / site.nodes;
  return { asIs: perNode(full.asIs), collected: perNode(full.collected) };
}

async function measureBare(site: FleetSite, log: (line: string) => void): Promise<number> {
  const { hub, fleet } = await site.with(site.nodes);
  await fleet.connect(0);
  const roots = await (await fetch(`http://127.0.0.1:${hub.ports.link}/ca.pem`)).text();
  const bare = new BareProcess();
  try {
    await bare.start(roots);
    const empty = await bare.memory();
    const cpu = bare.cpu;
    await fleet.connectBare(bare.url, bare.ca, site.nodes);
    log(`bare WebSockets connected, ${(bare.cpu - cpu).toFixed(1)} s of the core`);
    await pass(2);
    return (((await bare.memory()) - empty) * 1024) / site.nodes;
  } finally {
    await fleet.connectBare(bare.url, bare.ca, 0);
    await bare.stop();
  }
}
