import { Inject, Injectable } from '@nestjs/common';
import { type Device, type deviceList, EdgeError, type ShownKey } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import type { z } from 'zod';
import { held, pieces } from '../certificates/certificates.module.js';
import { Database, type Page, ResourceStore } from '../db/index.js';
import { Sessions } from '../link/index.js';
import { DeviceHooks } from './device-hooks.js';
import { DeviceRow, ModelRow } from './devices.entity.js';
import { deviceState, shownSpec } from './devices.rules.js';
import { merged, type Properties } from './merged.rules.js';

const BATCH = 500;

/** What other slices see of a device. `id` names the row: another device of that name has another one. */
export interface KnownDevice {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly deviceId: string;
  readonly node: string | null;
  readonly reported: string | null;
  readonly lastSeenAt: string | null;
  readonly properties: Properties;
}

/** What the API and other slices read of devices. */
@Injectable()
export class Devices {
  private readonly store: ResourceStore<DeviceRow>;
  private readonly models: ResourceStore<ModelRow>;

  constructor(
    private readonly db: Database,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'find'>,
    private readonly hooks: DeviceHooks,
  ) {
    this.store = new ResourceStore(db, DeviceRow, 'device');
    this.models = new ResourceStore(db, ModelRow, 'device model');
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, { node, model, state, ...query }: z.output<typeof deviceList>): Promise<Page<Device>> {
    const keep = (row: DeviceRow): boolean =>
      (node === undefined || row.node === node) &&
      (model === undefined || row.model === model) &&
      (state === undefined || this.stateOf(row) === state);
    const { items, ...more } = await this.store.list(project, query, keep);
    return { items: await this.shown(project, items), ...more };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<Device> {
    return this.one(await this.store.get(project, name));
  }

  /** A device as the API shows it. */
  async one(row: DeviceRow): Promise<Device> {
    const [shown] = await this.shown(row.project, [row]);
    if (shown === undefined) throw new EdgeError('internal', `device "${row.name}" was not shown`);
    return shown;
  }

  /** In a transaction, the device stays as it is until that ends. @throws EdgeError `not_found`. */
  async known(project: string, name: string, tx?: EntityManager): Promise<KnownDevice> {
    const { deviceId } = await this.store.get(project, name, tx);
    const [known] = await this.byId(project, [deviceId], tx);
    if (known === undefined) throw new EdgeError('conflict', `Device "${name}" was deleted just now.`);
    return known;
  }

  /**
   * Devices of a project by their ids on the broker; those that do not exist are left out. In a transaction, they stay as they are
   * until that ends, so that nobody else writes their twins meanwhile.
   */
  async byId(project: string, ids: readonly string[], tx?: EntityManager): Promise<KnownDevice[]> {
    const from = tx ?? this.db.read;
    const lock = tx === undefined ? {} : held(tx);
    const rows: DeviceRow[] = [];
    for (const some of pieces([...ids].sort(), BATCH)) {
      const where = { project, deviceId: In(some) };
      rows.push(...(await from.find(DeviceRow, { where, order: { deviceId: 'ASC' }, ...lock })));
    }
    return this.withModels(project, rows, from);
  }

  /** Rows of the devices of nodes, in order of names. */
  async onNodes(project: string, nodes: readonly string[]): Promise<DeviceRow[]> {
    const rows: DeviceRow[] = [];
    for (const some of pieces(nodes, BATCH)) {
      const where = { project, node: In(some) };
      rows.push(...(await this.db.read.find(DeviceRow, { where, order: { name: 'ASC' } })));
    }
    return rows;
  }

  /** Models by their names. */
  async modelsOf(
    project: string,
    rows: readonly Pick<DeviceRow, 'model'>[],
    from: EntityManager = this.db.read,
  ): Promise<Map<string, ModelRow['spec']>> {
    const names = [...new Set(rows.flatMap(({ model }) => model ?? []))];
    const found = await this.models.findAll(project, names, from);
    return new Map(found.map(({ name, spec }) => [name, spec]));
  }

  /** How many devices there are in each state. */
  async counts(): Promise<Map<string, number>> {
    const groups = await this.db.read
      .createQueryBuilder(DeviceRow, 'device')
      .select('device.project', 'project')
      .addSelect('device.node', 'node')
      .addSelect('device.reported', 'reported')
      .addSelect('COUNT(*)', 'count')
      .groupBy('device.project, device.node, device.reported')
      .getRawMany<Pick<DeviceRow, 'project' | 'node' | 'reported'> & { count: string | number }>();
    const counts = new Map<string, number>([
      ['online', 0],
      ['offline', 0],
      ['unknown', 0],
    ]);
    for (const group of groups) {
      const state = this.stateOf(group);
      counts.set(state, (counts.get(state) ?? 0) + Number(group.count));
    }
    return counts;
  }

  private async shown(project: string, rows: readonly DeviceRow[]): Promise<Device[]> {
    const models = await this.modelsOf(project, rows);
    const asked = rows.map(({ id, spec, model }) => ({ id, properties: propertiesOf({ spec, model }, models) }));
    const twins = await this.hooks.twins(asked);
    return rows.map((row) => this.view(row, twins.get(row.id) ?? {}));
  }

  private view(row: DeviceRow, twin: Record<string, ShownKey>): Device {
    const { name, project, labels, revision, createdAt, updatedAt, deviceId, reported, lastSeenAt } = row;
    const status = {
      id: deviceId,
      state: this.stateOf(row),
      ...(reported !== null && { reported }),
      ...(lastSeenAt !== null && { lastSeenAt }),
      twin,
    };
    return { name, project, labels, revision, createdAt, updatedAt, spec: shownSpec(row), status };
  }

  private stateOf({
    project,
    node,
    reported,
  }: Pick<DeviceRow, 'project' | 'node' | 'reported'>): Device['status']['state'] {
    return deviceState(reported, node !== null && this.sessions.find({ project, node }) !== undefined);
  }

  private async withModels(project: string, rows: readonly DeviceRow[], from: EntityManager): Promise<KnownDevice[]> {
    const models = await this.modelsOf(project, rows, from);
    return rows.map((row) => ({ ...row, properties: propertiesOf(row, models) }));
  }
}

function propertiesOf(
  { spec, model }: Pick<DeviceRow, 'spec' | 'model'>,
  models: ReadonlyMap<string, ModelRow['spec']>,
): Properties {
  return merged(spec, model === null ? undefined : models.get(model)).properties;
}
