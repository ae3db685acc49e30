import { Inject, Injectable } from '@nestjs/common';
import {
  type JoinToken,
  type Labels,
  type MergePatch,
  type Node,
  nodeKey,
  type NodeSpec,
  nodeWrite,
} from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import type { EntityManager } from 'typeorm';
import { Certificates } from '../certificates/certificates.module.js';
import { addresses, HubConfig } from '../config.js';
import { Database, ResourceStore, sameLabels } from '../db/index.js';
import { LOG, type Logger } from '../log/index.js';
import { hubUrl } from './hub-url.rules.js';
import { NodeChanges } from './node-changes.service.js';
import { NodeRow } from './nodes.entity.js';
import { Nodes } from './nodes.service.js';
import { patched } from './patch.rules.js';

/** A node by its place in the API. `ifMatch`: the revision that the caller read. */
export interface NodeAt {
  readonly project: string;
  readonly name: string;
  readonly ifMatch?: number | undefined;
}
interface Write {
  readonly labels: Labels;
  readonly spec: NodeSpec;
}
interface Saved {
  readonly before: NodeRow | undefined;
  readonly after: NodeRow;
}

/** What operators change of nodes. */
@Injectable()
export class NodeWrites {
  private readonly clock: Clock = systemClock;
  private readonly store: ResourceStore<NodeRow>;

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    private readonly certificates: Certificates,
    private readonly nodes: Nodes,
    private readonly changes: NodeChanges,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.store = new ResourceStore(db, NodeRow, 'node');
  }

  /** Creates or replaces. @throws EdgeError `conflict`. */
  put(at: NodeAt, write: Write): Promise<Node> {
    return this.change((tx) => this.save(tx, at, () => write));
  }

  /** @throws EdgeError `not_found`, `conflict`, `bad_request` when the result is not a valid node. */
  patch(at: NodeAt, patch: MergePatch): Promise<Node> {
    return this.change((tx) =>
      this.save(tx, at, (before) => patched(nodeWrite, writeOf(this.store.present(before, at)), patch)),
    );
  }

  /** Deletes a node with its certificates and tokens, and whatever other slices have of it. @throws EdgeError `not_found`, `conflict`. */
  async remove(at: NodeAt): Promise<void> {
    const ref = { project: at.project, node: at.name };
    await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const row = await this.store.get(at.project, at.name, tx);
      this.store.guard(row, at.ifMatch);
      await this.certificates.revokeAll(tx, ref, 'the node was deleted');
      await this.changes.removing(tx, ref);
      await this.store.remove(tx, row, at.ifMatch);
    });
    this.changes.removed(ref);
    this.log.info({ node: nodeKey(ref) }, 'node deleted');
  }

  /** Makes a join token, and the node when there is none yet. Labels are added to those that it has. */
  async join(at: NodeAt, asked: { ttlSeconds: number; labels?: Labels | undefined }): Promise<JoinToken> {
    const ref = { project: at.project, node: at.name };
    const { saved, made } = await this.db.write(async (tx) => ({
      saved: await this.labelled(tx, at, asked.labels ?? {}),
      made: await this.certificates.makeToken(tx, ref, asked.ttlSeconds),
    }));
    if (saved !== undefined) this.changes.saved(saved.before, saved.after);
    this.log.info({ node: nodeKey(ref), expiresAt: made.expiresAt }, 'join token made');
    const url = this.url();
    return { ...made, hubUrl: url, command: `selvage-agent join --hub ${url} --token ${made.token}` };
  }

  private url(): string {
    const { publicUrl, link } = this.config;
    const port = this.certificates.port ?? link.port;
    return hubUrl({ publicUrl, host: link.host, port, addresses: addresses() });
  }

  private async change(run: (tx: EntityManager) => Promise<Saved>): Promise<Node> {
    const { before, after } = await this.db.write(run);
    this.changes.saved(before, after);
    return this.nodes.shownOne(after);
  }

  private async labelled(tx: EntityManager, at: NodeAt, labels: Labels): Promise<Saved | undefined> {
    await this.db.keepOthersOut(tx);
    const found = await this.store.find(at.project, at.name, tx);
    const merged = { ...found?.labels, ...labels };
    if (found !== undefined && sameLabels(found.labels, merged)) return undefined;
    return this.save(tx, at, (before) => patched(nodeWrite, writeOf(before), { labels }));
  }

  private async save(tx: EntityManager, at: NodeAt, next: (before: NodeRow | undefined) => Write): Promise<Saved> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    const { labels, spec } = next(before);
    if (before === undefined) await this.changes.making(tx, { project: at.project, node: at.name });
    const unknown = before === undefined ? { joinedAt: null, lastSeenAt: null, facts: null } : {};
    const now = new Date(this.clock.now()).toISOString();
    const { broker = null, ...rest } = spec;
    const columns = { labels, broker, ...rest, ...unknown };
    return { before, after: await this.store.save(tx, { ...at, now }, columns) };
  }
}

function writeOf(row: NodeRow | undefined): { labels: Labels; spec: Partial<NodeSpec> } {
  if (row === undefined) return { labels: {}, spec: {} };
  const { labels, enabled, description, broker } = row;
  return { labels, spec: { enabled, description, ...(broker && { broker }) } };
}
