import { Injectable } from '@nestjs/common';
import { systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import { Database, ResourceStore } from '../db/index.js';
import type { At } from './device-writes.service.js';
import { DeviceRow } from './devices.entity.js';
import { note } from './noted.service.js';
import { Room } from './room.service.js';

/** What the slice of twins has noted about devices, in its own transactions. */
@Injectable()
export class DeviceNotes {
  private readonly store: ResourceStore<DeviceRow>;

  constructor(
    private readonly db: Database,
    private readonly room: Room,
  ) {
    this.store = new ResourceStore(db, DeviceRow, 'device');
  }

  /**
   * Gives a device the next revision, because something about it changes that is kept elsewhere; every other change waits.
   * @throws EdgeError `conflict`, `not_found`.
   */
  async touch(tx: EntityManager, at: At): Promise<void> {
    await this.db.keepOthersOut(tx);
    await this.store.get(at.project, at.name, tx);
    await this.store.save(tx, { ...at, now: new Date(systemClock.now()).toISOString() }, {});
  }

  /** Notes how many bytes the expected values of a device take. @throws EdgeError `bad_request` when its node has no room for them. */
  async weigh(
    tx: EntityManager,
    { id, project, node }: { id: string; project: string; node: string | null },
    bytes: number,
  ): Promise<void> {
    await note(tx, 'twin_size', [{ id, value: bytes }]);
    if (node !== null) await this.room.check(tx, project, [node]);
  }

  /** Notes what nodes say of devices: the state in the device's word, and when it was last heard, ISO 8601. */
  async heard(
    tx: EntityManager,
    column: 'reported' | 'last_seen_at',
    all: readonly { readonly id: string; readonly value: string }[],
  ): Promise<void> {
    await note(tx, column, all);
  }
}
