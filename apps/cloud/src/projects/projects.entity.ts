import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The name space of everything. */
@Entity('projects')
export class ProjectRow {
  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  description!: string;

  @Column({ type: 'text', name: 'created_at' })
  createdAt!: string;
}
