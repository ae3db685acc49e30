import { Inject, Injectable } from '@nestjs/common';
import { type DeviceModelSpec, EdgeError } from '@selvage/protocol';
import { type EntityManager, Not } from 'typeorm';
import { Nodes } from '../nodes/nodes.module.js';
import { NO_CREDENTIALS } from './credentials.service.js';
import { DeviceRow } from './devices.entity.js';
import { refuseOtherId, type StoredDevice, typeInUse } from './devices.rules.js';
import { Devices } from './devices.service.js';
import { Room } from './room.service.js';
import { desiredDevice, merged, refuseTooMany, removed, retyped, sizeOf } from './merged.rules.js';

interface Candidate {
  readonly project: string;
  readonly before: StoredDevice | undefined;
  readonly after: StoredDevice;
}

/** Everything that must hold before a device is saved, in the transaction that saves it. */
@Injectable()
export class DeviceChecks {
  constructor(
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'exist'>,
    private readonly devices: Devices,
    private readonly room: Room,
  ) {}

  /**
   * Gives the bytes that the device takes, and the keys of properties that it has no more.
   * @throws EdgeError `bad_request`, `already_exists`, `in_use`.
   */
  async run(tx: EntityManager, device: Candidate): Promise<{ size: number; withdrawn: readonly string[] }> {
    const { project, before, after } = device;
    refuseOtherId(before, after);
    await this.refuseTaken(tx, project, after);
    await this.refuseUnknownNode(project, before, after);
    const models = await this.devices.modelsOf(project, [after, ...(before === undefined ? [] : [before])], tx);
    const now = merged(after.spec, modelOf(after, models));
    refuseTooMany(after.name, now);
    const { name, deviceId: id, spec } = after;
    const size = sizeOfDevice({ name, id, spec }, modelOf(after, models));
    if (before === undefined) return { size, withdrawn: [] };
    const then = merged(before.spec, before.model === null ? undefined : models.get(before.model));
    const [key] = retyped(then.properties, now.properties);
    if (key !== undefined) throw typeInUse(key, [name]);
    return { size, withdrawn: removed(then.properties, now.properties) };
  }

  /** Looks after the device was saved. @throws EdgeError `bad_request` when its node has no room for it. */
  async fits(tx: EntityManager, { project, node }: Pick<DeviceRow, 'project' | 'node'>): Promise<void> {
    if (node !== null) await this.room.check(tx, project, [node]);
  }

  private async refuseTaken(tx: EntityManager, project: string, { name, deviceId }: StoredDevice): Promise<void> {
    const other = await tx.findOneBy(DeviceRow, { project, deviceId, name: Not(name) });
    if (other !== null)
      throw new EdgeError('already_exists', `spec.id: "${deviceId}" is the id of device "${other.name}" already.`);
  }

  private async refuseUnknownNode(
    project: string,
    before: StoredDevice | undefined,
    after: StoredDevice,
  ): Promise<void> {
    const { node } = after;
    if (node === null || node === before?.node) return;
    if ((await this.nodes.exist(project, [node])).has(node)) return;
    throw new EdgeError('bad_request', `spec.node: there is no node "${node}" in project "${project}".`);
  }
}

function modelOf({ model }: StoredDevice, models: ReadonlyMap<string, DeviceModelSpec>): DeviceModelSpec | undefined {
  if (model === null) return undefined;
  const found = models.get(model);
  if (found === undefined) throw new EdgeError('bad_request', `spec.model: there is no device model "${model}".`);
  return found;
}

function sizeOfDevice(device: Parameters<typeof desiredDevice>[0], model: DeviceModelSpec | undefined): number {
  return sizeOf(desiredDevice(device, model, NO_CREDENTIALS));
}
