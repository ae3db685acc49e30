import type { DesiredApp } from '@selvage/protocol';
import { isPlaced, type LabelledNode, type Where } from './placement.rules.js';

/** An app of a project, ready to be matched with nodes. */
export interface PlacedApp {
  readonly desired: DesiredApp;
  readonly where: Where;
  /** Bytes in the section `apps` of a node. */
  readonly size: number;
}

/** All apps of one project, arranged so that finding those of a node looks at few of them. */
export class ProjectApps {
  private readonly named = new Map<string, PlacedApp[]>();
  private readonly selecting: PlacedApp[] = [];

  constructor(readonly all: readonly PlacedApp[]) {
    for (const app of all) {
      if (app.where.requirements.length > 0) this.selecting.push(app);
      for (const node of app.where.nodes) this.nameOn(node, app);
    }
  }

  /** Whether finding the apps of a node takes its labels. */
  get needLabels(): boolean {
    return this.selecting.length > 0;
  }

  /** The apps of a node in order of names. */
  on(node: LabelledNode): PlacedApp[] {
    const matching = this.selecting.filter(({ where }) => isPlaced(where, node));
    const all = new Set([...(this.named.get(node.name) ?? []), ...matching]);
    return [...all].sort((a, b) => (a.desired.name < b.desired.name ? -1 : 1));
  }

  private nameOn(node: string, app: PlacedApp): void {
    const there = this.named.get(node);
    if (there === undefined) this.named.set(node, [app]);
    else there.push(app);
  }
}
