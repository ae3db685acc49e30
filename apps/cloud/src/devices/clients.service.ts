import { Inject, Injectable } from '@nestjs/common';
import {
  type Client,
  type clientList,
  type ClientSpec,
  clientWrite,
  EdgeError,
  type Labels,
  type MergePatch,
} from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import type { z } from 'zod';
import { pieces } from '../certificates/certificates.module.js';
import { Database, type Page, ResourceStore } from '../db/index.js';
import { Desired } from '../desired/index.js';
import { LiveFeed } from '../http/index.js';
import { Nodes, patched } from '../nodes/nodes.module.js';
import { desiredClient, shownClientSpec, sizeOfClient } from './clients.rules.js';
import { Credentials, type CredentialsByName, NO_CREDENTIALS } from './credentials.service.js';
import type { At } from './device-writes.service.js';
import { ClientRow } from './devices.entity.js';
import { sameWrite } from './devices.rules.js';
import { Room } from './room.service.js';

const BATCH = 500;

interface ClientWrite {
  readonly labels: Labels;
  readonly spec: ClientSpec;
}
type Make = (before: ClientRow | undefined) => ClientWrite;

/** Apps that talk to the brokers of nodes. */
@Injectable()
export class Clients {
  private readonly store: ResourceStore<ClientRow>;

  constructor(
    private readonly db: Database,
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'exist'>,
    private readonly credentials: Credentials,
    private readonly room: Room,
    @Inject(Desired) private readonly desired: Pick<Desired, 'poke'>,
    private readonly feed: LiveFeed,
  ) {
    this.store = new ResourceStore(db, ClientRow, 'client');
  }

  any(project: string, from?: EntityManager): Promise<boolean> {
    return this.store.any(project, from);
  }

  async list(project: string, { node, ...query }: z.output<typeof clientList>): Promise<Page<Client>> {
    const keep = (row: ClientRow): boolean => node === undefined || row.node === node;
    const { items, ...more } = await this.store.list(project, query, keep);
    return { items: await this.shown(project, items), ...more };
  }

  /** @throws EdgeError `not_found`. */
  async get(project: string, name: string): Promise<Client> {
    return this.one(await this.row(project, name));
  }

  /** @throws EdgeError `not_found`. */
  row(project: string, name: string, from?: EntityManager): Promise<ClientRow> {
    return this.store.get(project, name, from);
  }

  async find(project: string, name: string): Promise<ClientRow | undefined> {
    return this.store.find(project, name);
  }

  /** Creates or replaces; an equal write changes nothing. */
  put(at: At, write: ClientWrite): Promise<Client> {
    return this.change(at, () => write);
  }

  /** @throws EdgeError `not_found`, and `bad_request` when the result is not a client. */
  patch(at: At, patch: MergePatch): Promise<Client> {
    return this.change(at, (before) => patched(clientWrite, writeOf(this.store.present(before, at)), patch));
  }

  /** Deletes a client; its certificates are revoked. */
  async remove(at: At): Promise<void> {
    const row = await this.db.write(async (tx) => {
      await this.db.keepOthersOut(tx);
      const found = await this.store.get(at.project, at.name, tx);
      await this.store.remove(tx, found, at.ifMatch);
      await this.credentials.forget(tx, { kind: 'app', project: at.project, name: at.name });
      return found;
    });
    this.changed([row]);
  }

  /** A node was deleted: its clients belong to none. */
  async unbind(tx: EntityManager, { project, node }: { project: string; node: string }): Promise<void> {
    const revision = await this.db.nextRevision(tx);
    const updatedAt = new Date(systemClock.now()).toISOString();
    await tx.update(ClientRow, { project, node }, { node: null, revision, updatedAt });
  }

  /** Rows of the clients of nodes, in order of names. */
  async onNodes(project: string, nodes: readonly string[]): Promise<ClientRow[]> {
    const rows: ClientRow[] = [];
    for (const some of pieces(nodes, BATCH)) {
      const where = { project, node: In(some) };
      rows.push(...(await this.db.read.find(ClientRow, { where, order: { name: 'ASC' } })));
    }
    return rows;
  }

  /** Tells who looks, and the nodes that have or had a client. Call it after the commit. */
  changed(versions: readonly Pick<ClientRow, 'project' | 'name' | 'node'>[]): void {
    const nodes = new Set(versions.flatMap(({ node }) => node ?? []));
    for (const { project, name } of versions.slice(0, 1)) {
      this.desired.poke([...nodes].map((node) => ({ project, node })));
      this.feed.changed('client', project, name);
    }
  }

  private async change(at: At, make: Make): Promise<Client> {
    const found = await this.store.find(at.project, at.name);
    this.store.guard(found, at.ifMatch);
    if (found !== undefined && sameWrite(writeOf(found), make(found))) return this.one(found);
    const { before, after } = await this.db.write((tx) => this.save(tx, at, make));
    this.changed(before === undefined ? [after] : [after, before]);
    return this.one(after);
  }

  private async save(
    tx: EntityManager,
    at: At,
    make: Make,
  ): Promise<{ before: ClientRow | undefined; after: ClientRow }> {
    await this.db.keepOthersOut(tx);
    const before = await this.store.find(at.project, at.name, tx);
    this.store.guard(before, at.ifMatch);
    const { labels, spec } = make(before);
    const { node = null, ...rest } = spec;
    if (node !== null && node !== before?.node && !(await this.nodes.exist(at.project, [node])).has(node))
      throw new EdgeError('bad_request', `spec.node: there is no node "${node}" in project "${at.project}".`);
    const size = sizeOfClient(desiredClient({ name: at.name, spec: rest }, NO_CREDENTIALS));
    const now = new Date(systemClock.now()).toISOString();
    const after = await this.store.save(tx, { ...at, now }, { labels, node, spec: rest, size });
    if (node !== null) await this.room.check(tx, at.project, [node]);
    return { before, after };
  }

  private async one(row: ClientRow): Promise<Client> {
    const [shown] = await this.shown(row.project, [row]);
    if (shown === undefined) throw new EdgeError('internal', `client "${row.name}" was not shown`);
    return shown;
  }

  private async shown(project: string, rows: readonly ClientRow[]): Promise<Client[]> {
    const names = rows.map(({ name }) => name);
    const credentials = await this.credentials.of({ kind: 'app', project }, names);
    return rows.map((row) => view(row, credentials));
  }
}

function view(row: ClientRow, all: CredentialsByName): Client {
  const { name, project, labels, revision, createdAt, updatedAt } = row;
  const { fingerprints, logins } = all.get(name) ?? NO_CREDENTIALS;
  const login = logins[0]?.username;
  const status = { certificates: fingerprints.length, ...(login !== undefined && { login }) };
  return { name, project, labels, revision, createdAt, updatedAt, spec: shownClientSpec(row), status };
}

function writeOf(row: ClientRow): ClientWrite {
  return { labels: row.labels, spec: shownClientSpec(row) };
}
