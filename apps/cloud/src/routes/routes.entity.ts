import type { ReportedRoute, RouteSpec } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** A route. */
@Entity('routes')
export class RouteRow extends ResourceEntity {
  /** Made anew with each route, so that a new one never gets the messages of a deleted one of the same name. */
  @Column({ type: 'text' })
  uid!: string;

  /** Name of the endpoint that it leads to. */
  @Column({ type: 'text' })
  target!: string;

  @Column({ type: 'simple-json' })
  spec!: RouteSpec;
}

/** What a node last reported of a route. */
@Entity('route_reports')
export class RouteReportRow {
  @PrimaryColumn({ type: 'text' })
  uid!: string;

  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  node!: string;

  @Column({ type: 'simple-json' })
  report!: ReportedRoute;
}

/** What the hub itself has counted of a route. */
@Entity('route_counts')
export class RouteCountRow {
  @PrimaryColumn({ type: 'text' })
  uid!: string;

  @Column({ type: 'simple-json' })
  counts!: HubCounts;
}

/** Totals since the route was made; see `routeStats`. */
export interface HubCounts {
  readonly taken: number;
  readonly forwarded: number;
  readonly filtered: number;
  readonly failed: number;
  readonly bytes: number;
  readonly latency: readonly number[];
  readonly errors: readonly { readonly at: string; readonly detail: string }[];
}

/** A request to the gateway that its caller has named, so that it is not taken twice. */
@Entity('route_requests')
export class RouteRequestRow {
  /** Of its message. */
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  fingerprint!: string;

  @Column({ type: 'boolean' })
  kept!: boolean;

  @Column({ type: 'text' })
  at!: string;
}
