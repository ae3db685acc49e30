import { execFileSync } from 'node:child_process';
import { type Figure, median } from '../figure.js';
import { pass } from './paced.js';
import type { FleetSite } from './site.js';

const SETTLE_SECONDS = 65;
const SECONDS = Number(process.env.SELVAGE_BENCH_WIRE_SECONDS ?? 150);
const MOST = 1000;
const TARGET_KBIT = 0.1;
/** IPv4 and TCP with timestamps, bytes per segment. */
const HEADERS = 52;

interface Traffic {
  readonly payload: number;
  readonly segments: number;
}

export function wire(site: FleetSite): Figure {
  const nodes = Math.min(MOST, site.nodes);
  return {
    number: 22,
    title: 'idle traffic of a node, both directions, with TCP and IP headers',
    unit: 'kbit/s',
    target: `≤ ${TARGET_KBIT} kbit/s`,
    measure: async () => {
      const { hub, fleet } = await site.with(nodes);
      await fleet.connect(nodes);
      await pass(SETTLE_SECONDS);
      const [before, from] = [traffic(hub.ports.link), performance.now()];
      await pass(SECONDS);
      const [after, seconds] = [traffic(hub.ports.link), (performance.now() - from) / 1000];
      await fleet.connectedAre(nodes, 5_000);
      const kbit = (bytes: number): number => (bytes * 8) / 1000 / seconds / nodes;
      const payload = kbit(after.payload - before.payload);
      const ours = [payload + kbit((after.segments - before.segments) * HEADERS)];
      const how = `the kernel's counters of ${nodes} client sockets over ${seconds.toFixed(0)} s at a heartbeat of 60 s; headers counted as ${HEADERS} bytes a segment`;
      const beside = [{ name: 'TLS records alone', values: [payload] }];
      return { ours, beside, met: median(ours) <= TARGET_KBIT, how };
    },
  };
}

/** What all client sockets to a local port have sent and received. */
function traffic(port: number): Traffic {
  const listed = execFileSync('ss', ['-tinH', 'state', 'established', `( dport = :${port} )`], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const sum = (name: string): number =>
    [...listed.matchAll(new RegExp(`\\b${name}:(\\d+)`, 'g'))].reduce((total, [, value]) => total + Number(value), 0);
  return { payload: sum('bytes_sent') + sum('bytes_received'), segments: sum('segs_out') + sum('segs_in') };
}
