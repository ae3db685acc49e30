import type { AppSpec, Instance } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** An app. What follows from its spec and is asked for by queries has columns of its own. */
@Entity('apps')
export class AppRow extends ResourceEntity {
  /** Made anew with each app, so that a new app is never taken for a deleted one of the same name. */
  @Column({ type: 'text' })
  uid!: string;

  @Column({ type: 'simple-json' })
  spec!: AppSpec;

  @Column({ type: 'text', name: 'pull_secret', nullable: true })
  pullSecret!: string | null;

  /** Host ports with a space before and after each, ` 80/tcp 53/udp `; empty without any. */
  @Column({ type: 'text', name: 'host_ports' })
  hostPorts!: string;

  /** Bytes that the app adds to the desired state of a node. */
  @Column({ type: 'integer' })
  size!: number;
}

/** What a node last reported of an app. */
@Entity('instances')
export class InstanceRow {
  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  node!: string;

  @PrimaryColumn({ type: 'text' })
  uid!: string;

  @Column({ type: 'text' })
  app!: string;

  @Column({ type: 'simple-json' })
  instance!: Instance;

  @Column({ type: 'text', name: 'reported_at' })
  reportedAt!: string;
}

/** A node that is to remove the volumes of a deleted app. */
@Entity('purges')
export class PurgeRow {
  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  node!: string;

  @PrimaryColumn({ type: 'text' })
  uid!: string;

  @Column({ type: 'text' })
  app!: string;
}
