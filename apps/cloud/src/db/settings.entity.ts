import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The one row that says which database this is and how far its revisions have come. */
@Entity('settings')
export class Settings {
  @PrimaryColumn({ type: 'integer' })
  id!: number;

  @Column({ type: 'text' })
  epoch!: string;

  @Column({ type: 'integer' })
  revision!: number;

  /** SHA-256 of the root certificate of the hub whose database this is. */
  @Column({ type: 'text', nullable: true })
  authority!: string | null;

  /** Follows from the master key and says nothing about it. */
  @Column({ type: 'text', name: 'key_check', nullable: true })
  keyCheck!: string | null;

  /** Goes up by one each time somebody asks whether the database takes changes. */
  @Column({ type: 'integer', default: 0 })
  probes!: number;

  /** How far the time has come by which old records are forgotten, ISO 8601. Null: nobody asked yet. */
  @Column({ type: 'text', name: 'retention_time', nullable: true })
  retentionTime!: string | null;
}
