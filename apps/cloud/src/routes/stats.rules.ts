import { LATENCY_MS, type ReportedRoute, type RouteDrop, type RouteError, type RouteStats } from '@selvage/protocol';
import type { HubCounts } from './routes.entity.js';

/** What a node counts of a route. */
export interface NodeCounts {
  readonly node: string;
  readonly report: ReportedRoute;
}

/** What lies at the hub. */
export interface HubBacklog {
  readonly count: number;
  readonly bytes: number;
  readonly oldestAt: number | undefined;
  readonly dead: number;
  readonly drops: readonly Omit<RouteDrop, 'node'>[];
}

const MAX_ERRORS = 10;

/** The hub's and all nodes' counts of a route as one. `fromNodes`: its messages are taken on nodes; else the hub takes them. */
export function statsOf(
  hub: HubCounts,
  backlog: HubBacklog,
  { nodes, fromNodes, now }: { nodes: readonly NodeCounts[]; fromNodes: boolean; now: number },
): RouteStats {
  const sum = (pick: (report: ReportedRoute) => number): number =>
    nodes.reduce((total, { report }) => total + pick(report), 0);
  const buckets = hub.latency.map((count, index) => count + sum(({ latency }) => latency[index] ?? 0));
  const oldest = backlog.oldestAt === undefined ? {} : { oldestSeconds: Math.max(0, (now - backlog.oldestAt) / 1000) };
  return {
    taken: fromNodes ? sum(({ taken }) => taken) : hub.taken,
    forwarded: hub.forwarded + sum(({ forwarded }) => forwarded),
    filtered: hub.filtered + sum(({ filtered }) => filtered),
    failed: hub.failed + sum(({ failed }) => failed),
    bytes: hub.bytes + sum(({ bytes }) => bytes),
    dropped: [
      ...backlog.drops,
      ...nodes.flatMap(({ node, report }) => report.dropped.map((one) => ({ ...one, node }))),
    ],
    backlog: {
      count: backlog.count + sum((report) => report.backlog.count),
      bytes: backlog.bytes + sum((report) => report.backlog.bytes),
      ...oldest,
    },
    dead: backlog.dead + sum(({ dead }) => dead),
    latency: { buckets, ...quantiles(buckets) },
    errors: newest([
      ...hub.errors,
      ...nodes.flatMap(({ node, report }) => report.errors.map((one) => ({ ...one, node }))),
    ]),
  };
}

/** Upper bounds of the buckets in which the quantiles lie; none when nothing was delivered, or when they are beyond the last bound. */
export function quantiles(buckets: readonly number[]): { p50Ms?: number; p99Ms?: number } {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  const at = (share: number): number | undefined => {
    let seen = 0;
    for (const [index, count] of buckets.entries()) if ((seen += count) >= all * share) return LATENCY_MS[index];
    return undefined;
  };
  if (all === 0) return {};
  const [p50Ms, p99Ms] = [at(0.5), at(0.99)];
  return { ...(p50Ms !== undefined && { p50Ms }), ...(p99Ms !== undefined && { p99Ms }) };
}

function newest(errors: readonly RouteError[]): RouteError[] {
  return [...errors].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, MAX_ERRORS);
}
