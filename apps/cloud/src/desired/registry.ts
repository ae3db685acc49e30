import { Injectable } from '@nestjs/common';
import type { NodeRef } from '@selvage/protocol';

/** What a slice adds to the desired state of nodes: one section. */
export interface Contributor {
  /** Name of the section, `apps` for instance. */
  readonly section: string;
  /**
   * The section's value for each of many nodes, by `nodeKey`; a node that is left out has no such section. The number of queries
   * depends on the batch, never on the number of nodes in it.
   */
  compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, unknown>>;
}

/** Where slices say what they add. */
@Injectable()
export class DesiredRegistry {
  private readonly contributors: Contributor[] = [];

  add(contributor: Contributor): void {
    this.contributors.push(contributor);
  }

  get all(): readonly Contributor[] {
    return this.contributors;
  }
}
