import type { DesiredBroker, NodeFacts } from '@selvage/protocol';
import { Column, Entity } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** A machine, or the name that one is to join under. Saving a row leaves alone what machines report: see `reported.service.ts`. */
@Entity('nodes')
export class NodeRow extends ResourceEntity {
  @Column({ type: 'boolean' })
  enabled!: boolean;

  @Column({ type: 'text' })
  description!: string;

  /** What is said about its MQTT broker; null when nothing is. */
  @Column({ type: 'simple-json', nullable: true })
  broker!: DesiredBroker | null;

  @Column({ type: 'text', name: 'joined_at', nullable: true, update: false })
  joinedAt!: string | null;

  /** When its link last opened or was last heard before it closed. */
  @Column({ type: 'text', name: 'last_seen_at', nullable: true, update: false })
  lastSeenAt!: string | null;

  @Column({ type: 'simple-json', nullable: true, update: false })
  facts!: NodeFacts | null;
}
