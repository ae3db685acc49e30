import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import {
  type Answer,
  type DesiredBroker,
  type endpoints,
  type Labels,
  type Node,
  nodeKey,
  type NodeRef,
  type NodeState,
  type ParsedInput,
} from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { Certificates, namesByProject, pieces } from '../certificates/certificates.module.js';
import { Database, ResourceStore } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { Sessions } from '../link/index.js';
import { NodeChanges, type RelabelListener, type RemovalHook } from './node-changes.service.js';
import { NodeRow } from './nodes.entity.js';
import { shownNode, stateOf } from './shown.rules.js';

const NAMES = 500;

/** What the API and other slices read of nodes. Numbers of queries depend on the page or the batch, never on each node. */
@Injectable()
export class Nodes implements OnModuleInit {
  private readonly clock: Clock = systemClock;
  private readonly store: ResourceStore<NodeRow>;

  constructor(
    private readonly db: Database,
    private readonly certificates: Certificates,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'find'>,
    @Inject(Desired) private readonly desired: Pick<Desired, 'revisions'>,
    private readonly changes: NodeChanges,
  ) {
    this.store = new ResourceStore(db, NodeRow, 'node');
  }

  onModuleInit(): void {
    this.certificates.checkNodes(({ project, node }) => this.store.get(project, node));
  }

  /** Removes what a slice has of a node, together with the node. */
  onRemoved(hook: RemovalHook): void {
    this.changes.onRemoved(hook);
  }

  /** Tells a slice that a node has other labels or is new. */
  onRelabelled(listener: RelabelListener): void {
    this.changes.onRelabelled(listener);
  }

  async list(
    project: string,
    query: ParsedInput<typeof endpoints.nodes.list>['query'],
  ): Promise<Answer<typeof endpoints.nodes.list>> {
    const { state } = query;
    const keep = (row: NodeRow): boolean => state === undefined || this.stateNow(row) === state;
    const { items, ...cursor } = await this.store.list(project, query, keep);
    return { items: await this.shown(project, items), ...cursor };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<Node> {
    return this.shownOne(await this.store.get(project, name));
  }

  /** A node as the API shows it. */
  async shownOne(row: NodeRow): Promise<Node> {
    const ends = await this.certificates.newestEnds(row.project, [row.name]);
    return this.withLive(row, ends.get(row.name));
  }

  /** Whether a project has any node. */
  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  /** Those of the names that exist. */
  async exist(project: string, names: readonly string[]): Promise<Set<string>> {
    return new Set((await this.some(project, names, ['name'])).map(({ name }) => name));
  }

  /** Every node of a project, with its labels. */
  namesAndLabels(project: string): Promise<{ name: string; labels: Labels }[]> {
    return this.db.read.find(NodeRow, { select: { name: true, labels: true }, where: { project } });
  }

  /** States of nodes by name; those that do not exist are left out. */
  async statesOf(project: string, names: readonly string[]): Promise<Map<string, NodeState>> {
    const rows = await this.some(project, names, ['project', 'name', 'enabled', 'joinedAt']);
    return new Map(rows.map((row) => [row.name, this.stateNow(row)]));
  }

  /** The host paths that nodes allow to be mounted; undefined for a node that has not reported its facts. */
  async mountHosts(
    project: string,
    names: readonly string[],
  ): Promise<{ node: string; allowed: readonly string[] | undefined }[]> {
    const rows = await this.some(project, names, ['name', 'facts']);
    return rows.map(({ name, facts }) => ({ node: name, allowed: facts?.mountAllowList }));
  }

  /** Whether each node is enabled, by `nodeKey`; those that do not exist are left out. */
  async enabledOf(refs: Iterable<NodeRef>): Promise<Map<string, boolean>> {
    const found = new Map<string, boolean>();
    for (const [project, names] of namesByProject(refs)) {
      for (const { name, enabled } of await this.some(project, names, ['name', 'enabled']))
        found.set(nodeKey({ project, node: name }), enabled);
    }
    return found;
  }

  /** What is said about the broker of each node, by `nodeKey`; nodes of which nothing is said are left out. */
  async brokersOf(refs: Iterable<NodeRef>): Promise<Map<string, DesiredBroker>> {
    const found = new Map<string, DesiredBroker>();
    for (const [project, names] of namesByProject(refs)) {
      for (const { name, broker } of await this.some(project, names, ['name', 'broker']))
        if (broker !== null) found.set(nodeKey({ project, node: name }), broker);
    }
    return found;
  }

  private async shown(project: string, rows: readonly NodeRow[]): Promise<Node[]> {
    const ends = await this.certificates.newestEnds(
      project,
      rows.map(({ name }) => name),
    );
    return rows.map((row) => this.withLive(row, ends.get(row.name)));
  }

  private withLive(row: NodeRow, certificateNotAfter: string | undefined): Node {
    const ref = { project: row.project, node: row.name };
    const heardAt = this.sessions.find(ref)?.heardAt;
    return shownNode(row, { heardAt, certificateNotAfter, revisions: this.desired.revisions(ref) }, this.clock.now());
  }

  private stateNow(row: Pick<NodeRow, 'project' | 'name' | 'enabled' | 'joinedAt'>): NodeState {
    return stateOf(row, this.sessions.find({ project: row.project, node: row.name }) !== undefined);
  }

  private async some<K extends keyof NodeRow>(
    project: string,
    names: readonly string[],
    select: K[],
  ): Promise<Pick<NodeRow, K>[]> {
    const found: NodeRow[] = [];
    for (const part of pieces(names, NAMES))
      found.push(...(await this.db.read.find(NodeRow, { select, where: { project, name: In(part) } })));
    return found;
  }
}
