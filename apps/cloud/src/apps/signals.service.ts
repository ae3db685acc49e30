import { Inject, Injectable } from '@nestjs/common';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import type { AppRow } from './apps.entity.js';
import { NodeLabels } from './node-labels.service.js';
import { PlacedApps } from './placed-apps.service.js';
import { whereOf } from './placement.rules.js';

/** Tells everybody concerned that an app was written: the compiler, the nodes and the live feed. */
@Injectable()
export class AppSignals {
  constructor(
    private readonly placed: PlacedApps,
    private readonly labels: NodeLabels,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
  ) {}

  /** Call it after the commit. `versions`: one app as it was and as it is. `more`: nodes that are concerned without being placed. */
  async written(versions: readonly AppRow[], more: readonly string[] = []): Promise<void> {
    for (const { project, name } of versions.slice(0, 1)) {
      this.placed.forget(project);
      await this.poke(project, versions, more);
      this.feed.changed('app', project, name);
    }
  }

  /** Call it after the commit, before anything that may fail. */
  happened(type: 'app.created' | 'app.updated' | 'app.deleted', { project, name, revision, labels }: AppRow): void {
    this.feed.happenings.tell({ type, project, name, data: { revision, labels } });
  }

  /** A secret was written: the nodes of the apps that use it get it. */
  secretWritten(project: string, users: readonly AppRow[]): Promise<void> {
    return this.poke(project, users);
  }

  private async poke(project: string, apps: readonly AppRow[], more: readonly string[] = []): Promise<void> {
    const places = apps.map(({ spec }) => whereOf(spec.placement));
    const nodes = new Set([...(await this.labels.placed(project, places)).flat(), ...more]);
    this.desired.poke([...nodes].map((node) => ({ project, node })));
  }
}
