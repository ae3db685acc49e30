import type { StoredKey, TwinSide } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn, type ValueTransformer } from 'typeorm';

/** PostgreSQL's driver gives 64-bit numbers as text; ours are small enough to be numbers. */
const counter: ValueTransformer = { to: (value: unknown) => value, from: Number };

/** One key of the twin of a device. Deleted keys stay, so that their versions go on. Times are ISO 8601. */
@Entity('twin_keys')
export class TwinKeyRow {
  /** Id of the device's row. */
  @PrimaryColumn({ type: 'text' })
  device!: string;

  @PrimaryColumn({ type: 'text' })
  key!: string;

  @Column({ type: 'text' })
  type!: StoredKey['type'];

  @Column({ type: 'boolean' })
  optional!: boolean;

  /** The hub wants it deleted, and the node has not said that it is. */
  @Column({ type: 'boolean' })
  leaving!: boolean;

  @Column({ type: 'text', name: 'expected_value', nullable: true })
  expectedValue!: string | null;

  @Column({ type: 'text', name: 'expected_at', nullable: true })
  expectedAt!: string | null;

  @Column({ type: 'text', name: 'expected_by', nullable: true })
  expectedBy!: string | null;

  @Column({ type: 'bigint', name: 'expected_cloud', transformer: counter })
  expectedCloud!: number;

  @Column({ type: 'bigint', name: 'expected_edge', transformer: counter })
  expectedEdge!: number;

  @Column({ type: 'text', name: 'actual_value', nullable: true })
  actualValue!: string | null;

  @Column({ type: 'text', name: 'actual_at', nullable: true })
  actualAt!: string | null;

  @Column({ type: 'text', name: 'actual_by', nullable: true })
  actualBy!: string | null;

  @Column({ type: 'bigint', name: 'actual_cloud', transformer: counter })
  actualCloud!: number;

  @Column({ type: 'bigint', name: 'actual_edge', transformer: counter })
  actualEdge!: number;
}

/** A value of a twin that changed. */
@Entity('twin_events')
export class TwinEventRow {
  /** In the order in which the hub heard of them. */
  @PrimaryGeneratedColumn({ type: 'bigint' })
  id!: number;

  @Column({ type: 'text' })
  device!: string;

  @Column({ type: 'text' })
  key!: string;

  @Column({ type: 'text' })
  side!: TwinSide;

  @Column({ type: 'text', nullable: true })
  value!: string | null;

  @Column({ type: 'text' })
  at!: string;

  @Column({ type: 'bigint', transformer: counter })
  cloud!: number;

  @Column({ type: 'bigint', transformer: counter })
  edge!: number;

  /**
   * What tells two changes of one version apart: the time of an actual value, because a node that begins anew counts from the start
   * again; empty for all others.
   */
  @Column({ type: 'text' })
  moment!: string;

  @Column({ type: 'text' })
  by!: string;
}

/** A device that was deleted and whose events are still to be removed. */
@Entity('twin_gone')
export class TwinGoneRow {
  @PrimaryColumn({ type: 'text' })
  device!: string;
}
