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
}
