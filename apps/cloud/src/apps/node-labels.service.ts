import { Inject, Injectable } from '@nestjs/common';
import { Nodes } from '../nodes/nodes.module.js';
import { KeptByProject } from './kept.js';
import { isPlaced, type LabelledNode, type Where } from './placement.rules.js';

type ByName = ReadonlyMap<string, LabelledNode>;

/**
 * The labels of a project's nodes, read once and kept until one of them changes. A node that was deleted a moment ago may still be
 * among them: whoever refuses something because of a node asks the nodes themselves.
 */
@Injectable()
export class NodeLabels {
  private readonly kept = new KeptByProject((project) => this.load(project));

  constructor(@Inject(Nodes) private readonly nodes: Pick<Nodes, 'namesAndLabels'>) {}

  of(project: string): Promise<ByName> {
    return this.kept.of(project);
  }

  /** A node of the project is new or has other labels. */
  forget(project: string): void {
    this.kept.forget(project);
  }

  /** Names of the nodes of each placement. Those that are named may not exist; labels are looked at only if they matter. */
  async placed(project: string, places: readonly Where[]): Promise<string[][]> {
    const select = places.some(({ requirements }) => requirements.length > 0);
    const all = select ? [...(await this.of(project)).values()] : [];
    return places.map((where) => namesOf(where, all));
  }

  private async load(project: string): Promise<ByName> {
    return new Map((await this.nodes.namesAndLabels(project)).map((node) => [node.name, node]));
  }
}

function namesOf(where: Where, all: readonly LabelledNode[]): string[] {
  if (where.requirements.length === 0) return [...where.nodes];
  const matching = all.filter((node) => isPlaced(where, node)).map(({ name }) => name);
  return [...new Set([...where.nodes, ...matching])];
}
