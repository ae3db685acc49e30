import { Injectable } from '@nestjs/common';
import type { RouteSpec } from '@selvage/protocol';
import { isPlaced, NodeLabels, whereOf } from '../apps/apps.module.js';

/** On which nodes routes take messages. */
@Injectable()
export class PlacedNodes {
  constructor(private readonly labels: NodeLabels) {}

  /** Whether a route takes messages on a node; its labels are looked up only if they matter. */
  async on(project: string, node: string, routes: readonly RouteSpec[]): Promise<boolean[]> {
    const select = routes.some(({ source }) => source.endpoint === 'edge' && source.nodes?.selector !== undefined);
    const labels = select ? ((await this.labels.of(project)).get(node)?.labels ?? {}) : {};
    return routes.map(({ source }) => {
      if (source.endpoint !== 'edge') return false;
      return source.nodes === undefined || isPlaced(whereOf(source.nodes), { name: node, labels });
    });
  }
}
