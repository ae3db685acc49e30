import type { Labels } from '@selvage/protocol';
import { Column, PrimaryColumn } from 'typeorm';

/** Columns of everything that has a name in a project. Times are ISO 8601 in UTC, so that they sort as text. */
export abstract class ResourceEntity {
  @PrimaryColumn({ type: 'text' })
  id!: string;

  @Column({ type: 'text' })
  project!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'simple-json' })
  labels!: Labels;

  @Column({ type: 'integer' })
  revision!: number;

  @Column({ type: 'text', name: 'created_at' })
  createdAt!: string;

  @Column({ type: 'text', name: 'updated_at' })
  updatedAt!: string;
}
