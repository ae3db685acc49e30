import type { Drop } from '@selvage/outbox';
import type { DesiredRoute, ReportedRoute, ReportedRoutes } from '@selvage/protocol';
import type { Count } from './counts.js';
import { laneOf, unprocessedLaneOf } from './lanes.js';
import type { Standing } from './options.js';

const MAX_GAPS = 16;

interface Gap {
  readonly reason: string;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

export interface Reporting {
  readonly hub: Standing;
  readonly local: Standing;
  readonly countOf: (uid: string) => Count;
}

/** What is told of the routes of this node. */
export function reportOf(routes: readonly Pick<DesiredRoute, 'uid' | 'target'>[], ports: Reporting): ReportedRoutes {
  const { hub, local } = ports;
  const standing = [hub, local].map((one) => ({ ...held(one), drops: one.drops, dead: one.deadLanes }));
  return { routes: routes.map((route) => reported(route, ports.countOf(route.uid), standing)) };
}

interface Held {
  readonly counts: ReadonlyMap<string, { readonly count: number; readonly bytes: number }>;
  readonly drops: readonly Drop[];
  readonly dead: ReadonlyMap<string, number>;
}

function held({ lanes }: Standing): Pick<Held, 'counts'> {
  return { counts: new Map(lanes.map(({ lane, ...load }) => [lane, load])) };
}

function reported(
  { uid, target }: Pick<DesiredRoute, 'uid' | 'target'>,
  count: Count,
  standing: readonly Held[],
): ReportedRoute {
  const lanes = [laneOf(uid), unprocessedLaneOf(uid)];
  const sum = (of: (held: Held, lane: string) => number | undefined): number =>
    standing.flatMap((one) => lanes.map((lane) => of(one, lane) ?? 0)).reduce((all, one) => all + one, 0);
  const { taken, filtered, failed, forwarded, bytes, latency, drops, errors } = count;
  const own = Object.entries(drops).map(([reason, gap]) => ({ reason, ...gap }));
  const gaps = [...own, ...standing.flatMap((one) => one.drops.filter(({ lane }) => lanes.includes(lane)).map(gapOf))];
  return {
    ...{ uid, taken, filtered, failed, forwarded, bytes },
    dead: sum(({ dead }, lane) => dead.get(lane)),
    backlog: {
      count: sum(({ counts }, lane) => counts.get(lane)?.count),
      bytes: sum(({ counts }, lane) => counts.get(lane)?.bytes),
    },
    dropped: merged(gaps).map(({ from, to, ...gap }) => ({ ...gap, from: iso(from), to: iso(to) })),
    latency: target.kind === 'hub' ? [] : latency,
    errors: errors.map(({ at, detail }) => ({ at: iso(at), detail: detail.replaceAll('\0', ' ') })),
  };
}

function gapOf({ reason, count, first, last }: Drop): Gap {
  return { reason, count, from: first, to: last };
}

/** One gap for each reason. */
function merged(gaps: readonly Gap[]): Gap[] {
  const byReason = new Map<string, Gap>();
  for (const { reason, count, from, to } of gaps) {
    const before = byReason.get(reason) ?? { count: 0, from, to };
    const span = { from: Math.min(before.from, from), to: Math.max(before.to, to) };
    byReason.set(reason, { reason, count: before.count + count, ...span });
  }
  return [...byReason.values()].slice(0, MAX_GAPS);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
