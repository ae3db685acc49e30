import { Injectable } from '@nestjs/common';
import type { Device, ExpectedWrite } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import { Database } from '../db/index.js';
import { type At, DeviceNotes, Devices, DeviceSignals, type KnownDevice } from '../devices/devices.module.js';
import { TwinStore } from './twin-store.service.js';
import { planned, type Setting, weightOf } from './twins.rules.js';
import { expectedEvent } from './twins.service.js';

/** What users want devices to do. */
@Injectable()
export class Expected {
  constructor(
    private readonly db: Database,
    private readonly store: TwinStore,
    private readonly devices: Devices,
    private readonly notes: DeviceNotes,
    private readonly signals: DeviceSignals,
  ) {}

  /**
   * Sets expected values; keys that are not named stay, and a value that is wanted already changes nothing.
   * @throws EdgeError `not_found`, `conflict`, and `bad_request` with a line for each key that cannot be set.
   */
  async set(at: At, by: string, write: ExpectedWrite): Promise<Device> {
    const setting = { by, at: new Date(systemClock.now()).toISOString() };
    const changed = await this.db.write((tx) => this.save(tx, at, { write, setting }));
    if (changed !== undefined) this.signals.changed([changed]);
    return this.devices.get(at.project, at.name);
  }

  /** Gives the device when something changed. */
  private async save(
    tx: EntityManager,
    at: At,
    { write, setting }: { write: ExpectedWrite; setting: Setting },
  ): Promise<KnownDevice | undefined> {
    const device = await this.devices.known(at.project, at.name, tx);
    const { id, properties } = device;
    const keys = (await this.store.load([id], tx)).get(id) ?? new Map();
    const changes = planned({ properties, keys }, write, setting);
    if (changes.size === 0 && at.ifMatch === undefined) return undefined;
    // Guards, and gives what the node is to have a revision of its own.
    await this.notes.touch(tx, at);
    if (changes.size === 0) return undefined;
    const written = [...changes].map(([key, held]) => ({ device: id, key, held }));
    await this.store.save(tx, written);
    await this.store.add(tx, written.map(expectedEvent));
    await this.notes.weigh(tx, device, weightOf(new Map([...keys, ...changes])));
    return device;
  }
}
