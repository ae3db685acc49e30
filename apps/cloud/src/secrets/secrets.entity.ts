import type { SecretShown } from '@selvage/protocol';
import { Column, Entity } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** What may be seen of values for devices. */
export type DataShown = Omit<Extract<SecretShown, { type: 'data' }>, 'type'>;

/** A secret: what may be seen of it, and all of it sealed. */
@Entity('secrets')
export class SecretRow extends ResourceEntity {
  @Column({ type: 'text' })
  type!: SecretShown['type'];

  @Column({ type: 'text' })
  registry!: string;

  @Column({ type: 'text' })
  username!: string;

  /** Of a secret of type `data`: its nodes and the names of its properties. */
  @Column({ type: 'simple-json', nullable: true })
  data!: DataShown | null;

  /** The secret's spec as JSON in a sealed box, base64; the box opens for this project and name only. */
  @Column({ type: 'text' })
  sealed!: string;
}
