import { endpoints, type Node } from '@selvage/protocol';
import { until } from '@selvage/testkit';
import { type Figure, median } from '../figure.js';
import type { BenchHub } from './bench-hub.js';
import { cryptoSpeed, handshakeSeconds } from './machine.js';
import { pass } from './paced.js';
import type { FleetSite } from './site.js';

const TARGET_SECONDS = 30;
const ROUNDS = 3;
/** A link that lasted so long begins again with the shortest back-off. */
const STEADY_SECONDS = 12;

export function recovery(site: FleetSite): Figure {
  return {
    number: 18,
    title: `${site.nodes} nodes back in sync after the hub was killed`,
    unit: 's',
    target: `≤ ${TARGET_SECONDS} s`,
    measure: async ({ pairs, log }) => {
      const { hub, fleet } = await site.with(site.nodes);
      const ours: number[] = [];
      const bound: number[] = [];
      await fleet.connect(site.nodes);
      for (let round = 0; round < Math.min(pairs, ROUNDS); round += 1) {
        await pass(STEADY_SECONDS);
        bound.push(handshakeSeconds(site.nodes, cryptoSpeed()));
        const [from, load] = [performance.now(), fleet.cpu];
        const since = (): number => (performance.now() - from) / 1000;
        await hub.restart('SIGKILL');
        const up = since();
        await hub.profiled(`recovery-${round}`, () => fleet.connectedAre(site.nodes));
        const connected = since();
        await inSync(hub, site.nodes);
        ours.push(since());
        log(
          `hub up ${up.toFixed(1)}, all connected ${connected.toFixed(1)}, in sync ${since().toFixed(1)} s; ${hub.cpu.toFixed(1)} s of the hub's core, ${(fleet.cpu - load).toFixed(1)} s of the other for the nodes`,
        );
      }
      const how =
        'from SIGKILL of the hub until all links are welcomed and the API shows each node ready with its stored revision the desired one; the back-off of the agents is part of it';
      const beside = [{ name: 'cryptography of the handshakes on one core', values: bound }];
      return { ours, beside, met: median(ours) <= TARGET_SECONDS, how };
    },
  };
}

async function inSync(hub: BenchHub, count: number): Promise<void> {
  let there = 0;
  await until(async () => (there = await countInSync(hub)) >= count, {
    timeoutMs: 120_000,
    everyMs: 250,
    describe: () => `${count} nodes to be in sync; ${there} are`,
  });
}

async function countInSync(hub: BenchHub): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const query = { limit: 1000, ...(cursor !== undefined && { cursor }) };
    const page = await hub.client.call(endpoints.nodes.list, { params: { project: 'default' }, query });
    count += page.items.filter(isInSync).length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return count;
}

function isInSync({ status }: Node): boolean {
  const { state, desiredRevision, storedRevision } = status;
  return state === 'ready' && desiredRevision !== undefined && desiredRevision === storedRevision;
}
