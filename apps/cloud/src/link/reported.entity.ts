import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Which version of a reported section of a node the hub has written down. */
@Entity('reported')
export class ReportedHash {
  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  node!: string;

  @PrimaryColumn({ type: 'text' })
  section!: string;

  @Column({ type: 'text' })
  hash!: string;
}
