import { Injectable } from '@nestjs/common';
import { type Device, deviceWrite, type MergePatch } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import { Database, ResourceStore } from '../db/index.js';
import { patched } from '../nodes/nodes.module.js';
import { Credentials } from './credentials.service.js';
import { DeviceHooks } from './device-hooks.js';
import { DeviceChecks } from './device-checks.service.js';
import { DeviceSignals } from './device-signals.service.js';
import { DeviceRow } from './devices.entity.js';
import { type DeviceWrite, sameWrite, shownSpec, storedDevice } from './devices.rules.js';
import { Devices } from './devices.service.js';
import { note } from './noted.service.js';

/** Which object is changed, and the revision that the caller saw of it. */
export interface At {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}

type Make = (before: DeviceRow | undefined) => DeviceWrite;
interface Saved {
  readonly before: DeviceRow | undefined;
  readonly after: DeviceRow;
}

/** What users change of devices, and what follows for their twins and nodes. */
@Injectable()
export class DeviceWrites {
  private readonly clock: Clock = systemClock;
  private readonly store: ResourceStore<DeviceRow>;

  constructor(
    private readonly db: Database,
    private readonly checks: DeviceChecks,
    private readonly devices: Devices,
    private readonly hooks: DeviceHooks,
    private readonly credentials: Credentials,
    private readonly signals: DeviceSignals,
  ) {
    this.store = new ResourceStore(db, DeviceRow, 'device');
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: DeviceWrite): Promise<Device> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not a device. */
  patch(at: At, patch: MergePatch): Promise<Device> {
    return this.change(at, (before) => {
      const row = this.store.present(before, at);
      return patched(deviceWrite, { labels: row.labels, spec: shownSpec(row) }, patch);
    });
  }

  /** Deletes a device with its twin; its certificates are revoked. */
  async remove(at: At): Promise<void> {
    const row = await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const found = await this.store.get(at.project, at.name, tx);
      await this.store.remove(tx, found, at.ifMatch);
      await this.credentials.forget(tx, { kind: 'device', project: at.project, name: found.deviceId });
      await this.hooks.removed(tx, found.id);
      return found;
    });
    this.signals.happened('device.deleted', row, { revision: row.revision, labels: row.labels });
    this.signals.changed([row]);
  }

  /** A node was deleted: its devices belong to none. */
  async unbind(tx: EntityManager, { project, node }: { project: string; node: string }): Promise<void> {
    // Taken before the rows are read: on PostgreSQL it keeps other changes out until the commit.
    const revision = await this.db.nextRevision(tx);
    const rows = await tx.find(DeviceRow, { select: { id: true }, where: { project, node } });
    if (rows.length === 0) return;
    await tx.update(DeviceRow, { project, node }, { node: null, revision, updatedAt: this.now() });
    const ids = rows.map(({ id }) => id);
    await this.begin(tx, ids);
  }

  private async change(at: At, make: Make): Promise<Device> {
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && unchanged(found, make(found))) return this.devices.one(found);
    const { before, after } = await this.db.write((tx) => this.save(tx, at, make));
    const { revision, labels } = after;
    this.signals.happened(before === undefined ? 'device.created' : 'device.updated', after, { revision, labels });
    this.signals.changed(before === undefined ? [after] : [after, before]);
    return this.devices.one(after);
  }

  private async save(tx: EntityManager, at: At, make: Make): Promise<Saved> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    this.store.guard(before, at.ifMatch);
    const { labels, spec } = make(before);
    const stored = storedDevice(at.name, spec);
    const { size, withdrawn } = await this.checks.run(tx, { project: at.project, before, after: stored });
    const fresh = before === undefined ? { twinSize: 0, reported: null, lastSeenAt: null } : {};
    const { deviceId, model, node, spec: own } = stored;
    const columns = { labels, deviceId, model, node, spec: own, size, ...fresh };
    const after = await this.store.save(tx, { ...at, now: this.now() }, columns);
    await this.checks.fits(tx, after);
    if (withdrawn.length > 0) await this.hooks.withdrawn(tx, [{ id: after.id, keys: withdrawn }]);
    if (before !== undefined && before.node !== node) {
      await this.begin(tx, [after.id]);
      after.reported = null;
    }
    return { before, after };
  }

  /** What another node said of the devices counts no more. */
  private async begin(tx: EntityManager, ids: readonly string[]): Promise<void> {
    await note(
      tx,
      'reported',
      ids.map((id) => ({ id, value: '' })),
    );
    await this.hooks.rebound(tx, ids);
  }

  private now(): string {
    return new Date(this.clock.now()).toISOString();
  }
}

function unchanged(row: DeviceRow, { labels, spec }: DeviceWrite): boolean {
  const after = shownSpec(storedDevice(row.name, spec));
  return sameWrite({ labels: row.labels, spec: shownSpec(row) }, { labels, spec: after });
}
