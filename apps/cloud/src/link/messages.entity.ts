import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Up to where the messages of a node's lane have been written down. */
@Entity('message_positions')
export class MessagePosition {
  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  node!: string;

  /** Names the node's outbox: sequences of another one are others. */
  @PrimaryColumn({ type: 'text' })
  epoch!: string;

  @PrimaryColumn({ type: 'text' })
  lane!: string;

  /** The highest sequence that is done with. */
  @Column({ type: 'bigint', transformer: { to: (seq: number) => seq, from: Number } })
  seq!: number;

  /** Of those up to `seq`, the last ones that were rejected, JSON: the node is told again if it did not hear it. */
  @Column({ type: 'text' })
  rejected!: string;

  /** When it was last written, epoch milliseconds: the outboxes that a node has used lately are remembered. */
  @Column({ type: 'bigint', name: 'touched_at', transformer: { to: (at: number) => at, from: Number } })
  touchedAt!: number;
}
