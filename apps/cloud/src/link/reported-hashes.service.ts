import { Injectable } from '@nestjs/common';
import { nodeKey, type NodeRef, type SectionHashes } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { Batcher, Database } from '../db/index.js';
import { ReportedHash } from './reported.entity.js';

const BATCH = { size: 500, waiting: 50_000 };
/** SQLite takes a limited number of values in one statement. */
const ROWS = 200;

/** What was written down of a node's section. */
export interface Written {
  readonly ref: NodeRef;
  readonly section: string;
  readonly hash: string;
}

/** Which versions of the nodes' reported sections the hub has. */
@Injectable()
export class ReportedHashes {
  private readonly loads = new Batcher<NodeRef, SectionHashes>((refs) => this.load(refs), BATCH);

  constructor(private readonly db: Database) {}

  /** The hashes of one node; many who ask at once share a query. */
  of(ref: NodeRef): Promise<SectionHashes> {
    return this.loads.run(ref);
  }

  /** Notes what was written down, in the transaction that wrote it. */
  async note(tx: EntityManager, written: readonly Written[]): Promise<void> {
    const rows = written.map(({ ref: { project, node }, section, hash }) => ({ project, node, section, hash }));
    for (let at = 0; at < rows.length; at += ROWS)
      await tx.upsert(ReportedHash, rows.slice(at, at + ROWS), ['project', 'node', 'section']);
  }

  /** Forgets a node that is gone. */
  async forget(tx: EntityManager, { project, node }: NodeRef): Promise<void> {
    await tx.delete(ReportedHash, { project, node });
  }

  private async load(refs: readonly NodeRef[]): Promise<{ ok: SectionHashes }[]> {
    const found = new Map<string, Record<string, string>>(refs.map((ref) => [nodeKey(ref), {}]));
    for (const project of new Set(refs.map((ref) => ref.project))) {
      const nodes = refs.filter((ref) => ref.project === project).map(({ node }) => node);
      for (const { node, section, hash } of await this.db.read.findBy(ReportedHash, { project, node: In(nodes) })) {
        const hashes = found.get(nodeKey({ project, node }));
        if (hashes !== undefined) hashes[section] = hash;
      }
    }
    return refs.map((ref) => ({ ok: found.get(nodeKey(ref)) ?? {} }));
  }
}
