import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A line of the audit log. Lines are added, never changed. */
@Entity('audit')
export class AuditLine {
  @PrimaryColumn({ type: 'integer' })
  id!: number;

  @Column({ type: 'text' })
  at!: string;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  action!: string;

  @Column({ type: 'text' })
  target!: string;

  @Column({ type: 'text', nullable: true })
  project!: string | null;

  @Column({ type: 'text' })
  outcome!: string;

  @Column({ type: 'text', name: 'request_id' })
  requestId!: string;

  /** SHA-256 over this line and the hash of the line before, hexadecimal. */
  @Column({ type: 'text' })
  hash!: string;
}
