import { type Figure, quantile } from '../figure.js';
import { putApp } from './apps.js';
import type { BenchHub } from './bench-hub.js';
import { paced } from './paced.js';
import { nameOf } from './simulated-node.js';
import type { FleetSite } from './site.js';

const PER_SECOND = 20;
const SECONDS = 30;
const APPS = 100;
const TARGET_MS = 25;

export function changes(site: FleetSite): Figure {
  return {
    number: 21,
    title: `mutating API p99 with ${site.nodes} nodes online`,
    unit: 'ms',
    target: `≤ ${TARGET_MS} ms`,
    measure: async () => {
      const { hub, fleet } = await site.with(site.nodes);
      await fleet.connect(0);
      await change(hub, 'first');
      const alone = await change(hub, 'alone');
      await fleet.connect(site.nodes);
      const online = await hub.profiled('changes', () => change(hub, 'online'));
      await fleet.connectedAre(site.nodes, 5_000);
      const p99 = quantile(online, 0.99);
      const how = `PUT of apps on single nodes, ${PER_SECOND}/s for ${SECONDS} s over ${APPS} apps, each a new version, from the tick until the answer`;
      const beside = [
        { name: 'the same with no node online', values: [quantile(alone, 0.99)] },
        { name: 'median with the nodes', values: [quantile(online, 0.5)] },
      ];
      return { ours: [p99], beside, met: p99 <= TARGET_MS, how };
    },
  };
}

function change(hub: BenchHub, round: string): Promise<number[]> {
  return paced({ perSecond: PER_SECOND, seconds: SECONDS }, async (index) => {
    const at = index % APPS;
    await putApp(hub, { name: `single-${at}`, placement: { nodes: [nameOf(at)] }, version: `${round}-${index}` });
  });
}
