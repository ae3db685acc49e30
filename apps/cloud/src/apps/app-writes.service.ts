import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type App, type appDelete, appWrite, type MergePatch } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import type { z } from 'zod';
import { Database, ResourceStore } from '../db/index.js';
import { patched } from '../nodes/nodes.module.js';
import { AppRow } from './apps.entity.js';
import { type AppWrite, hostPortsOf, sizeOf, unchanged } from './apps.rules.js';
import { AppChecks } from './checks.service.js';
import { Purges } from './purges.service.js';
import { AppSignals } from './signals.service.js';
import { AppViews } from './views.service.js';

/** Which app is changed, and the revision that the caller saw of it. */
export interface At {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}

type AppColumns = Pick<AppRow, 'labels' | 'spec' | 'uid' | 'pullSecret' | 'hostPorts' | 'size'>;
type Volumes = z.output<typeof appDelete>['volumes'];
type Make = (before: AppRow | undefined) => AppWrite;

/** What users change of apps, and what follows for the nodes. */
@Injectable()
export class AppWrites {
  private readonly store: ResourceStore<AppRow>;

  constructor(
    private readonly db: Database,
    private readonly checks: AppChecks,
    private readonly views: AppViews,
    private readonly purges: Purges,
    private readonly signals: AppSignals,
  ) {
    this.store = new ResourceStore(db, AppRow, 'app');
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: AppWrite): Promise<App> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not an app. */
  patch(at: At, patch: MergePatch): Promise<App> {
    return this.change(at, (before) => {
      const { labels, spec } = this.store.present(before, at);
      return patched(appWrite, { labels, spec }, patch);
    });
  }

  /** The app as a `PUT` would leave it, or the error that it would be refused with. Changes nothing. */
  async check(at: At, write: AppWrite): Promise<App> {
    const before = await this.store.find(at.project, at.name);
    if (before !== undefined && unchanged(before, write)) return this.views.one(before);
    const now = new Date(systemClock.now()).toISOString();
    const revision = (await this.db.revision()) + 1;
    const columns = columnsOf(at.name, write, before);
    await this.checks.run(this.db.read, { ...at, ...columns });
    const fresh = { id: '', project: at.project, name: at.name, createdAt: now };
    return this.views.one({ ...fresh, ...before, ...columns, revision, updatedAt: now });
  }

  /** Deletes an app. With its volumes: every node that has or should have it is told to remove them, and remembers until it has. */
  async remove(at: At, volumes: Volumes): Promise<void> {
    const { app, purging } = await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const app = await this.store.get(at.project, at.name, tx);
      const purging = volumes === 'remove' ? await this.purges.want(tx, app) : [];
      await this.store.remove(tx, app, at.ifMatch);
      return { app, purging };
    });
    this.signals.happened('app.deleted', app);
    await this.signals.written([app], purging);
  }

  private async change(at: At, make: Make): Promise<App> {
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && unchanged(found, make(found))) return this.views.one(found);
    const { before, saved } = await this.db.write((tx) => this.save(tx, at, make));
    this.signals.happened(before === undefined ? 'app.created' : 'app.updated', saved);
    await this.signals.written(before === undefined ? [saved] : [before, saved]);
    return this.views.one(saved);
  }

  private async save(tx: EntityManager, at: At, make: Make): Promise<{ before: AppRow | undefined; saved: AppRow }> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    this.store.guard(before, at.ifMatch);
    const columns = columnsOf(at.name, make(before), before);
    await this.checks.run(tx, { ...at, ...columns });
    const now = new Date(systemClock.now()).toISOString();
    return { before, saved: await this.store.save(tx, { ...at, now }, columns) };
  }
}

function columnsOf(name: string, write: AppWrite, before: AppRow | undefined): AppColumns {
  const { labels, spec } = write;
  const uid = before?.uid ?? randomUUID();
  const ports = hostPortsOf(spec);
  return {
    labels,
    spec,
    uid,
    pullSecret: spec.imagePullSecret ?? null,
    hostPorts: ports.length === 0 ? '' : ` ${ports.join(' ')} `,
    size: sizeOf({ name, uid, revision: 0 }, spec),
  };
}
