import { endpoints } from '@selvage/protocol';
import { type Figure, quantile } from '../figure.js';
import { putApp, removeApp } from './apps.js';
import type { BenchHub } from './bench-hub.js';
import { paced } from './paced.js';
import { nameOf } from './simulated-node.js';
import type { FleetSite } from './site.js';

const WANTED = 20_000;
const SECONDS = 65;
const PER_SECOND = 20;
const TARGET_MS = 100;

export function capacity(site: FleetSite): Figure {
  return {
    number: 17,
    title: `API p99 with ${site.most} nodes at a heartbeat of 60 s`,
    unit: 'ms',
    target: `< ${TARGET_MS} ms with ${WANTED} nodes`,
    measure: async () => {
      const { hub, fleet } = await site.with(site.most);
      await putApp(hub, { name: 'read', placement: { nodes: [nameOf(0)] }, version: '1' });
      await fleet.connect(0);
      const alone = await read(hub);
      await fleet.connect(site.most);
      const cpu = hub.cpu;
      const with20k = await hub.profiled('heartbeats', () => read(hub));
      const share = ((hub.cpu - cpu) / SECONDS) * 100;
      await fleet.connectedAre(site.most, 1_000);
      await removeApp(hub, 'read');
      const p99 = quantile(with20k, 0.99);
      const how = `${PER_SECOND} reads/s for ${SECONDS} s, in turn a page of 100 nodes and an app, from the tick until the whole body is there; the hub used ${share.toFixed(0)} % of its core; this machine's limit of open files bounds the nodes`;
      const beside = [
        { name: 'no nodes', values: [quantile(alone, 0.99)] },
        { name: `median with ${site.most} nodes`, values: [quantile(with20k, 0.5)] },
      ];
      return { ours: [p99], beside, met: p99 < TARGET_MS && site.most >= WANTED, how };
    },
  };
}

async function read(hub: BenchHub): Promise<number[]> {
  const headers = { authorization: `Bearer ${await hub.apiToken(`reader-${Date.now()}`)}` };
  const project = (path: string): string => `${hub.url}${path.replace('{project}', 'default')}`;
  const urls = [
    `${project(endpoints.nodes.list.path)}?limit=100`,
    project(endpoints.apps.get.path).replace('{name}', 'read'),
  ];
  return paced({ perSecond: PER_SECOND, seconds: SECONDS }, async (index) => {
    const response = await fetch(urls[index % 2] ?? '', { headers });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`a read was answered ${response.status}`);
  });
}
