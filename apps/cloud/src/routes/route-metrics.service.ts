import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import type { RouteStats } from '@selvage/protocol';
import { Metrics } from '../http/index.js';
import { RouteViews } from './views.service.js';

const LABELS = ['project', 'route'] as const;
/** Name of a figure, what it is, and how it is read. Totals go back to nothing when a route is made anew. */
const FIGURES: readonly (readonly [name: string, help: string, of: (stats: RouteStats) => number])[] = [
  ['taken', 'Messages that the route took', ({ taken }) => taken],
  ['forwarded', 'Messages that its target has', ({ forwarded }) => forwarded],
  ['filtered', 'Messages that its filter left out', ({ filtered }) => filtered],
  ['failed', 'Tries that failed', ({ failed }) => failed],
  ['forwarded_bytes', 'Bytes of payload that its target has', ({ bytes }) => bytes],
  ['dropped', 'Messages that were dropped', ({ dropped }) => dropped.reduce((sum, { count }) => sum + count, 0)],
  ['backlog', 'Messages that wait', ({ backlog }) => backlog.count],
  ['backlog_bytes', 'Bytes that wait', ({ backlog }) => backlog.bytes],
  [
    'backlog_oldest_seconds',
    'Age of the oldest message that waits at the hub',
    ({ backlog }) => backlog.oldestSeconds ?? 0,
  ],
  ['dead_letters', 'Messages that were given up', ({ dead }) => dead],
];

/** What is counted of routes, for Prometheus: read when somebody asks. */
@Injectable()
export class RouteMetrics {
  private readonly gauges: {
    readonly gauge: Gauge<(typeof LABELS)[number]>;
    readonly of: (stats: RouteStats) => number;
  }[] = [];
  private filling: Promise<void> | undefined;

  constructor(
    private readonly metrics: Metrics,
    private readonly views: RouteViews,
  ) {}

  start(): void {
    const registers = [this.metrics.registry];
    // They are asked at the same moment, and wait for the same look at the routes.
    const collect = (): Promise<void> => (this.filling ??= this.fill().finally(() => (this.filling = undefined)));
    for (const [name, help, of] of FIGURES) {
      const gauge = new Gauge({ name: `selvage_route_${name}`, help, labelNames: LABELS, registers, collect });
      this.gauges.push({ gauge, of });
    }
  }

  private async fill(): Promise<void> {
    const all = await this.views.all();
    for (const { gauge, of } of this.gauges) {
      gauge.reset();
      for (const { project, name, status } of all) gauge.set({ project, route: name }, of(status.stats));
    }
  }
}
