import type { SecretShown } from '@selvage/protocol';
import { Column, Entity } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** A secret: what may be seen of it, and all of it sealed. */
@Entity('secrets')
export class SecretRow extends ResourceEntity {
  @Column({ type: 'text' })
  type!: SecretShown['type'];

  @Column({ type: 'text' })
  registry!: string;

  @Column({ type: 'text' })
  username!: string;

  /** The secret's spec as JSON in a sealed box, base64; the box opens for this project and name only. */
  @Column({ type: 'text' })
  sealed!: string;
}
