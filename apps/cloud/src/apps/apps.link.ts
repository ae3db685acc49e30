import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import { type Instance, type NodeRef, type ReportedApps, reportedApps } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { Database } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import type { InboundHandler, InboundReport } from '../link/index.js';
import { Nodes } from '../nodes/nodes.module.js';
import { InstanceRow, PurgeRow } from './apps.entity.js';
import { Purges } from './purges.service.js';

type Report = InboundReport<ReportedApps>;

/** What a report led to; told when it is committed. */
interface Outcome {
  readonly changed: readonly string[];
  readonly purged: boolean;
}

const NODES_AT_ONCE = 500;
const ROWS_AT_ONCE = 100;

/** What a node's report about apps changes: its instances are replaced, and volumes that it removed are wanted gone no more. */
@Injectable()
export class AppsLink implements InboundHandler<ReportedApps> {
  readonly section = 'apps';
  readonly schema = reportedApps;
  private readonly outcomes = new WeakMap<Report, Outcome>();

  constructor(
    private readonly db: Database,
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'exist'>,
    private readonly purges: Purges,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
  ) {}

  async apply(tx: EntityManager, reports: readonly Report[]): Promise<void> {
    for (const [project, all] of byProject(reports)) {
      for (let at = 0; at < all.length; at += NODES_AT_ONCE) {
        await this.applySome(tx, project, all.slice(at, at + NODES_AT_ONCE));
      }
    }
  }

  committed(reports: readonly Report[]): void {
    const poked: NodeRef[] = [];
    const changed = new Set<string>();
    for (const report of reports) {
      const outcome = this.outcomes.get(report);
      if (outcome?.purged === true) poked.push(report.ref);
      for (const app of outcome?.changed ?? []) {
        changed.add(`${report.ref.project}/${app}`);
        this.happened(report, app);
      }
    }
    if (poked.length > 0) this.desired.poke(poked);
    for (const key of changed) {
      const [project = '', app = ''] = key.split('/');
      this.feed.changed('app', project, app);
    }
  }

  private happened({ ref: { project, node }, value }: Report, name: string): void {
    const own = value.instances.filter(({ app }) => app === name);
    const instances = own.map(({ uid, revision, state }) => ({ uid, revision, state }));
    this.feed.happenings.tell({ type: 'instance.changed', project, name, node, data: { instances } });
  }

  /** A node was deleted: nothing that it said or was told to remove is of interest any more. */
  async forget(tx: EntityManager, { project, node }: NodeRef): Promise<void> {
    await tx.delete(InstanceRow, { project, node });
    await tx.delete(PurgeRow, { project, node });
  }

  private async applySome(tx: EntityManager, project: string, reports: readonly Report[]): Promise<void> {
    const names = reports.map(({ ref }) => ref.node);
    const there = await this.nodes.exist(project, names);
    const known = reports.filter(({ ref }) => there.has(ref.node));
    const before = await this.instancesOf(tx, project, names);
    await tx.delete(InstanceRow, { project, node: In(names) });
    const rows = known.flatMap(rowsOf);
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
      await tx.insert(InstanceRow, rows.slice(at, at + ROWS_AT_ONCE));
    const purged = await this.settlePurges(tx, project, reports);
    for (const report of reports) {
      const changed = differing(before.get(report.ref.node) ?? [], report.value.instances);
      this.outcomes.set(report, { changed, purged: purged.has(report.ref.node) });
    }
  }

  private async instancesOf(
    tx: EntityManager,
    project: string,
    names: readonly string[],
  ): Promise<Map<string, Instance[]>> {
    const byNode = new Map<string, Instance[]>(names.map((name) => [name, []]));
    for (const { node, instance } of await tx.findBy(InstanceRow, { project, node: In(names) })) {
      byNode.get(node)?.push(instance);
    }
    return byNode;
  }

  /** Gives the nodes that had something to remove and have. */
  private async settlePurges(tx: EntityManager, project: string, reports: readonly Report[]): Promise<Set<string>> {
    const reporting = reports.filter(({ value }) => value.purged.length > 0);
    if (reporting.length === 0) return new Set();
    const wanted = await this.purges.of(
      project,
      reporting.map(({ ref }) => ref.node),
      tx,
    );
    const done = reporting.flatMap(({ ref: { node }, value }) => {
      const gone = new Set(value.purged);
      const settled = (wanted.get(node) ?? []).filter(({ uid }) => gone.has(uid));
      return settled.map(({ uid }) => ({ project, node, uid }));
    });
    await this.purges.done(tx, done);
    // What these nodes are to have has changed, so it gets a revision of its own.
    if (done.length > 0) await this.db.nextRevision(tx);
    return new Set(done.map(({ node }) => node));
  }
}

/** A node that says two things about one app is believed the later. */
function rowsOf({ ref: { project, node }, value, at: reportedAt }: Report): InstanceRow[] {
  const byUid = new Map(value.instances.map((instance) => [instance.uid, instance]));
  return [...byUid].map(([uid, instance]) => ({ project, node, uid, app: instance.app, instance, reportedAt }));
}

/** Names of the apps of which the two say different things. */
function differing(before: readonly Instance[], after: readonly Instance[]): string[] {
  const [old, now] = [before, after].map((all) => new Map(all.map((instance) => [instance.uid, instance])));
  const all = new Map([...(old ?? []), ...(now ?? [])]);
  const changed = [...all.values()].filter(({ uid }) => !isDeepStrictEqual(old?.get(uid), now?.get(uid)));
  return [...new Set(changed.map(({ app }) => app))];
}

function byProject(reports: readonly Report[]): Map<string, Report[]> {
  const projects = new Map<string, Report[]>();
  for (const report of reports) {
    const there = projects.get(report.ref.project);
    if (there === undefined) projects.set(report.ref.project, [report]);
    else there.push(report);
  }
  return projects;
}
