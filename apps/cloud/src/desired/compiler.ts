import { Injectable } from '@nestjs/common';
import { nodeKey, type NodeRef, type Position, type Section, type SectionHashes } from '@selvage/protocol';
import { toSection } from '@selvage/wire';
import { Batcher, Database } from '../db/index.js';
import { DesiredRegistry } from './registry.js';

const BATCH = { size: 500, waiting: 50_000 };

/** What a node is to have, as of a revision. */
export interface Compiled {
  readonly position: Position;
  readonly sections: readonly Section[];
  readonly hashes: SectionHashes;
}

/** Puts together what the slices want of nodes, for many nodes at once. */
@Injectable()
export class Compiler {
  private readonly batches = new Batcher<NodeRef, Compiled>((nodes) => this.compileAll(nodes), BATCH);

  constructor(
    private readonly db: Database,
    private readonly registry: DesiredRegistry,
  ) {}

  compile(node: NodeRef): Promise<Compiled> {
    return this.batches.run(node);
  }

  /** The revision is read first: what is read after it may be newer than it says, never older. */
  private async compileAll(nodes: readonly NodeRef[]): Promise<{ ok: Compiled }[]> {
    const position = { epoch: this.db.epoch, revision: await this.db.revision() };
    const parts = await Promise.all(
      this.registry.all.map(async (one) => ({ section: one.section, values: await one.compile(nodes) })),
    );
    const encode = encoder();
    return nodes.map((node) => {
      const sections = parts.flatMap(({ section, values }) => {
        const value = values.get(nodeKey(node));
        return value === undefined ? [] : [encode(section, value)];
      });
      return { ok: { position, sections, hashes: Object.fromEntries(sections.map(({ name, hash }) => [name, hash])) } };
    });
  }
}

/** Encodes a value once, however many nodes are to have the very same object. */
function encoder(): (section: string, value: unknown) => Section {
  const done = new Map<unknown, Section>();
  return (section, value) => {
    const known = done.get(value);
    if (known?.name === section) return known;
    const encoded = toSection(section, value);
    done.set(value, encoded);
    return encoded;
  };
}
