import { Inject, Injectable } from '@nestjs/common';
import { type App, type appList, EdgeError } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import type { z } from 'zod';
import { Database, type Page, ResourceStore } from '../db/index.js';
import { Nodes } from '../nodes/nodes.module.js';
import { AppRow } from './apps.entity.js';
import { isPlaced, type LabelledNode, whereOf } from './placement.rules.js';
import { AppSignals } from './signals.service.js';
import { AppViews } from './views.service.js';

const BATCH = 500;

/** Where apps look nodes up. */
interface LabelledNodes {
  /** @throws EdgeError `not_found`. */
  get(project: string, name: string): Promise<LabelledNode>;
}

/** What the API and other slices read of apps. */
@Injectable()
export class Apps {
  private readonly store: ResourceStore<AppRow>;

  constructor(
    private readonly db: Database,
    @Inject(Nodes) private readonly nodes: LabelledNodes,
    private readonly views: AppViews,
    private readonly signals: AppSignals,
  ) {
    this.store = new ResourceStore(db, AppRow, 'app');
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, { node, ...query }: z.output<typeof appList>): Promise<Page<App>> {
    const on = node === undefined ? undefined : await this.nodes.get(project, node);
    const keep = ({ spec }: AppRow): boolean => on === undefined || isPlaced(whereOf(spec.placement), on);
    const { items, ...more } = await this.store.list(project, query, keep);
    return { items: await this.views.of(project, items), ...more };
  }

  async get(project: string, name: string): Promise<App> {
    return this.views.one(await this.store.get(project, name));
  }

  /** @throws EdgeError `not_found` when there is no such app, or it is not placed on the node. */
  async placedOn(project: string, name: string, node: string): Promise<App['spec']> {
    const { spec } = await this.store.get(project, name);
    if (isPlaced(whereOf(spec.placement), await this.nodes.get(project, node))) return spec;
    throw new EdgeError('not_found', `App "${name}" is not placed on node "${node}".`);
  }

  /** Which apps use each of the secrets. */
  async usersOf(
    project: string,
    secrets: readonly string[],
    from: EntityManager = this.db.read,
  ): Promise<Map<string, string[]>> {
    const users = new Map<string, string[]>();
    for (let at = 0; at < secrets.length; at += BATCH) {
      const pullSecret = In(secrets.slice(at, at + BATCH));
      const select = { id: true, name: true, pullSecret: true } as const;
      const found = await from.find(AppRow, { select, where: { project, pullSecret }, order: { name: 'ASC' } });
      for (const { name, pullSecret: secret } of found)
        if (secret !== null) users.set(secret, [...(users.get(secret) ?? []), name]);
    }
    return users;
  }

  /** A secret was written. */
  async secretChanged(project: string, secret: string): Promise<void> {
    const users = await this.db.read.findBy(AppRow, { project, pullSecret: secret });
    await this.signals.secretWritten(project, users);
  }
}
