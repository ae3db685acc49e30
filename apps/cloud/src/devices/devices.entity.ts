import type { ClientSpec, DeviceModelSpec } from '@selvage/protocol';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { ResourceEntity } from '../db/index.js';
import type { OwnSpec } from './merged.rules.js';

/** What devices of one make have in common. */
@Entity('device_models')
export class ModelRow extends ResourceEntity {
  @Column({ type: 'simple-json' })
  spec!: DeviceModelSpec;
}

/** A device. Saving a row leaves alone what nodes report and what other slices note: see `noted.service.ts`. */
@Entity('devices')
export class DeviceRow extends ResourceEntity {
  /** Its identity on the broker. */
  @Column({ type: 'text', name: 'device_id' })
  deviceId!: string;

  @Column({ type: 'text', nullable: true })
  model!: string | null;

  @Column({ type: 'text', nullable: true })
  node!: string | null;

  @Column({ type: 'simple-json' })
  spec!: OwnSpec;

  /** Bytes that it takes in the section `devices` of its node. */
  @Column({ type: 'integer' })
  size!: number;

  /** Bytes that its expected values take in the section `twins`. */
  @Column({ type: 'integer', name: 'twin_size', update: false })
  twinSize!: number;

  /** The state in the device's own word; null when its node has not said. */
  @Column({ type: 'text', nullable: true, update: false })
  reported!: string | null;

  @Column({ type: 'text', name: 'last_seen_at', nullable: true, update: false })
  lastSeenAt!: string | null;
}

/** An app on a broker. */
@Entity('clients')
export class ClientRow extends ResourceEntity {
  @Column({ type: 'text', nullable: true })
  node!: string | null;

  @Column({ type: 'simple-json' })
  spec!: Omit<ClientSpec, 'node'>;

  /** Bytes that it takes in the section `devices` of its node. */
  @Column({ type: 'integer' })
  size!: number;
}

/** User name and password of a device or an app; user names are unique in a project. */
@Entity('broker_logins')
export class LoginRow {
  @PrimaryColumn({ type: 'text' })
  project!: string;

  @PrimaryColumn({ type: 'text' })
  username!: string;

  @Column({ type: 'text' })
  kind!: 'device' | 'app';

  /** Id of the device, name of the app. */
  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', name: 'password_hash' })
  passwordHash!: string;
}
