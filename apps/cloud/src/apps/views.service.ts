import { Inject, Injectable } from '@nestjs/common';
import type { App, AppStatus, NodeState } from '@selvage/protocol';
import { In } from 'typeorm';
import { Database } from '../db/index.js';
import { Nodes } from '../nodes/nodes.module.js';
import { type AppRow, InstanceRow } from './apps.entity.js';
import { NodeLabels } from './node-labels.service.js';
import { whereOf } from './placement.rules.js';
import { appStatus, type InstanceReport } from './status.rules.js';

const BATCH = 500;

/** What the API shows of apps: their rows and what nodes report of them, with a number of queries that does not grow with either. */
@Injectable()
export class AppViews {
  constructor(
    private readonly db: Database,
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'statesOf'>,
    private readonly labels: NodeLabels,
  ) {}

  /** Apps of one project, in their order. */
  async of(project: string, rows: readonly AppRow[]): Promise<App[]> {
    const wanted = await this.labels.placed(
      project,
      rows.map(({ spec }) => whereOf(spec.placement)),
    );
    const states = await this.nodes.statesOf(project, [...new Set(wanted.flat())]);
    const reports = await this.reports(project, rows);
    return rows.map((row, index) => {
      const nodes = statesOf(wanted[index] ?? [], states);
      return view(row, appStatus(row, nodes, reports.get(row.name) ?? []));
    });
  }

  async one(row: AppRow): Promise<App> {
    const [app] = await this.of(row.project, [row]);
    return app ?? view(row, appStatus(row, new Map(), []));
  }

  private async reports(project: string, rows: readonly AppRow[]): Promise<Map<string, InstanceReport[]>> {
    const byApp = new Map<string, InstanceReport[]>();
    for (let at = 0; at < rows.length; at += BATCH) {
      const app = In(rows.slice(at, at + BATCH).map(({ name }) => name));
      for (const { app: name, node, instance, reportedAt } of await this.db.read.findBy(InstanceRow, {
        project,
        app,
      })) {
        const there = byApp.get(name);
        if (there === undefined) byApp.set(name, [{ node, instance, reportedAt }]);
        else there.push({ node, instance, reportedAt });
      }
    }
    return byApp;
  }
}

function statesOf(names: readonly string[], states: ReadonlyMap<string, NodeState>): Map<string, NodeState> {
  const found = new Map<string, NodeState>();
  for (const name of names) {
    const state = states.get(name);
    if (state !== undefined) found.set(name, state);
  }
  return found;
}

function view(row: AppRow, status: AppStatus): App {
  const { name, project, labels, revision, createdAt, updatedAt, spec } = row;
  return { name, project, labels, revision, createdAt, updatedAt, spec, status };
}
