import type { EndpointSpec } from '@selvage/protocol';
import { Column, Entity } from 'typeorm';
import { ResourceEntity } from '../db/index.js';

/** An endpoint that somebody made. */
@Entity('endpoints')
export class EndpointRow extends ResourceEntity {
  @Column({ type: 'text' })
  kind!: EndpointSpec['kind'];

  /** Secret with its credentials. */
  @Column({ type: 'text', nullable: true })
  secret!: string | null;

  @Column({ type: 'simple-json' })
  spec!: EndpointSpec;
}
