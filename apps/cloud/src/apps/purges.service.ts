import { Inject, Injectable } from '@nestjs/common';
import type { Purge } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { Database } from '../db/index.js';
import { Nodes } from '../nodes/nodes.module.js';
import { type AppRow, InstanceRow, PurgeRow } from './apps.entity.js';
import { NodeLabels } from './node-labels.service.js';
import { whereOf } from './placement.rules.js';

const READ_AT_ONCE = 500;
const WRITE_AT_ONCE = 100;

/** Which nodes are still to remove the volumes of which deleted apps. */
@Injectable()
export class Purges {
  constructor(
    private readonly db: Database,
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'exist'>,
    private readonly labels: NodeLabels,
  ) {}

  /** What is still to be removed, by the name of the node. */
  async of(
    project: string,
    nodes: readonly string[],
    from: EntityManager = this.db.read,
  ): Promise<ReadonlyMap<string, Purge[]>> {
    const found = new Map<string, Purge[]>();
    for (let at = 0; at < nodes.length; at += READ_AT_ONCE) {
      const where = { project, node: In(nodes.slice(at, at + READ_AT_ONCE)) };
      for (const { node, app, uid } of await from.find(PurgeRow, { where, order: { node: 'ASC', uid: 'ASC' } })) {
        const there = found.get(node);
        if (there === undefined) found.set(node, [{ app, uid }]);
        else there.push({ app, uid });
      }
    }
    return found;
  }

  /** Every node that has or should have an app is to remove its volumes; gives the names of these nodes. */
  async want(tx: EntityManager, app: AppRow): Promise<string[]> {
    const { project, name, uid } = app;
    const nodes = await this.concerned(tx, app);
    for (let at = 0; at < nodes.length; at += WRITE_AT_ONCE) {
      const rows = nodes.slice(at, at + WRITE_AT_ONCE).map((node) => ({ project, node, uid, app: name }));
      await tx.insert(PurgeRow, rows);
    }
    return nodes;
  }

  /** These were removed, as their nodes say. */
  async done(tx: EntityManager, purges: readonly Pick<PurgeRow, 'project' | 'node' | 'uid'>[]): Promise<void> {
    for (let at = 0; at < purges.length; at += WRITE_AT_ONCE) {
      await tx.delete(PurgeRow, purges.slice(at, at + WRITE_AT_ONCE));
    }
  }

  private async concerned(tx: EntityManager, { project, name, uid, spec }: AppRow): Promise<string[]> {
    const select = { project: true, node: true, uid: true } as const;
    const reporting = await tx.find(InstanceRow, { select, where: { project, app: name, uid } });
    const placed = await this.labels.placed(project, [whereOf(spec.placement)]);
    const all = new Set([...placed.flat(), ...reporting.map(({ node }) => node)]);
    return [...(await this.nodes.exist(project, [...all]))];
  }
}
