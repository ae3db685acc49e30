import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The hub's Prometheus registry: floors and slices add their own figures to it. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'selvage_http_request_seconds',
    help: 'Time to answer a request, by endpoint',
    labelNames: ['method', 'path', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [this.registry],
  });

  start(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  /** `path` is a template, so that names do not multiply the series. */
  observe({ method, path, status }: { method: string; path: string; status: number }, seconds: number): void {
    this.requests.observe({ method, path, status: String(status) }, seconds);
  }
}
