import { Inject, Injectable } from '@nestjs/common';
import {
  type DeviceModel,
  type DeviceModelSpec,
  deviceModelWrite,
  EdgeError,
  type Labels,
  type ListQuery,
  type MergePatch,
} from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { Database, type Page, ResourceStore } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import { patched } from '../nodes/nodes.module.js';
import { NO_CREDENTIALS } from './credentials.service.js';
import { DeviceHooks } from './device-hooks.js';
import type { At } from './device-writes.service.js';
import { DeviceRow, ModelRow } from './devices.entity.js';
import { modelInUse, sameWrite } from './devices.rules.js';
import { desiredDevice, sizeOf } from './merged.rules.js';
import { effectOf } from './models.rules.js';
import { note } from './noted.service.js';
import { Room } from './room.service.js';

interface ModelWrite {
  readonly labels: Labels;
  readonly spec: DeviceModelSpec;
}
type Make = (before: ModelRow | undefined) => ModelWrite;

/** What devices of one make have in common, and what follows for them when it changes. */
@Injectable()
export class Models {
  private readonly store: ResourceStore<ModelRow>;

  constructor(
    private readonly db: Database,
    private readonly hooks: DeviceHooks,
    private readonly room: Room,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
  ) {
    this.store = new ResourceStore(db, ModelRow, 'device model');
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, query: ListQuery): Promise<Page<DeviceModel>> {
    const { items, ...more } = await this.store.list(project, query);
    return { items: await this.shown(project, items), ...more };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<DeviceModel> {
    return this.one(await this.store.get(project, name));
  }

  /** Creates or replaces; an equal write changes nothing. @throws EdgeError `in_use` when a type would change. */
  put(at: At, write: ModelWrite): Promise<DeviceModel> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not a model. */
  patch(at: At, patch: MergePatch): Promise<DeviceModel> {
    return this.change(at, (before) => patched(deviceModelWrite, writeOf(this.store.present(before, at)), patch));
  }

  /** @throws EdgeError `in_use` while devices have it. */
  async remove({ project, name, ifMatch }: At): Promise<void> {
    await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const row = await this.store.get(project, name, tx);
      const users = await tx.find(DeviceRow, { select: { id: true, name: true }, where: { project, model: name } });
      if (users.length > 0) throw modelInUse(name, users.map((user) => user.name).sort());
      await this.store.remove(tx, row, ifMatch);
    });
    this.feed.changed('device-model', project, name);
  }

  private async change(at: At, make: Make): Promise<DeviceModel> {
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && sameWrite(writeOf(found), make(found))) return this.one(found);
    const { saved, nodes } = await this.db.write((tx) => this.save(tx, at, make));
    this.desired.poke(nodes.map((node) => ({ project: at.project, node })));
    this.feed.changed('device-model', at.project, at.name);
    return this.one(saved);
  }

  private async save(tx: EntityManager, at: At, make: Make): Promise<{ saved: ModelRow; nodes: string[] }> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    this.store.guard(before, at.ifMatch);
    const write = make(before);
    const now = new Date(systemClock.now()).toISOString();
    const saved = await this.store.save(tx, { ...at, now }, write);
    return { saved, nodes: before === undefined ? [] : await this.follow(tx, before, write.spec) };
  }

  /** Brings the devices of a model up to date; gives the nodes that are to hear of it. */
  private async follow(tx: EntityManager, { project, name, spec }: ModelRow, next: DeviceModelSpec): Promise<string[]> {
    const devices = await tx.findBy(DeviceRow, { project, model: name });
    const withdrawn = effectOf(devices, { before: spec, after: next });
    await note(
      tx,
      'size',
      devices.map(({ id, name: own, deviceId, spec: part }) => ({
        id,
        value: sizeOf(desiredDevice({ name: own, id: deviceId, spec: part }, next, NO_CREDENTIALS)),
      })),
    );
    const nodes = [...new Set(devices.flatMap(({ node }) => node ?? []))];
    await this.room.check(tx, project, nodes);
    await this.hooks.withdrawn(tx, withdrawn);
    return nodes;
  }

  private async one(row: ModelRow): Promise<DeviceModel> {
    const [shown] = await this.shown(row.project, [row]);
    if (shown === undefined) throw new EdgeError('internal', `device model "${row.name}" was not shown`);
    return shown;
  }

  private async shown(project: string, rows: readonly ModelRow[]): Promise<DeviceModel[]> {
    const counts = new Map<string, number>();
    const groups = await this.db.read
      .createQueryBuilder(DeviceRow, 'device')
      .select('device.model', 'model')
      .addSelect('COUNT(*)', 'count')
      .where({ project, model: In(rows.map(({ name }) => name)) })
      .groupBy('device.model')
      .getRawMany<{ model: string; count: string | number }>();
    for (const { model, count } of groups) counts.set(model, Number(count));
    return rows.map((row) => view(row, counts.get(row.name) ?? 0));
  }
}

function view(row: ModelRow, devices: number): DeviceModel {
  const { name, project, labels, revision, createdAt, updatedAt, spec } = row;
  return { name, project, labels, revision, createdAt, updatedAt, spec, status: { devices } };
}

function writeOf({ labels, spec }: ModelRow): ModelWrite {
  return { labels, spec };
}
