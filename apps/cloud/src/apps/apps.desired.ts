import { Injectable } from '@nestjs/common';
import { type DesiredApps, type DesiredSecrets, type NodeRef, nodeKey } from '@selvage/protocol';
import type { Contributor } from '../desired/index.js';
import { Secrets } from '../secrets/secrets.module.js';
import { NodeLabels } from './node-labels.service.js';
import type { LabelledNode } from './placement.rules.js';
import { PlacedApps } from './placed-apps.service.js';
import type { PlacedApp } from './project-apps.js';
import { Purges } from './purges.service.js';

/** Apps of many nodes of one project, by the name of the node. */
type AppsByNode = ReadonlyMap<string, readonly PlacedApp[]>;

/** Finds the apps of many nodes at once. */
@Injectable()
export class NodeApps {
  constructor(
    private readonly labels: NodeLabels,
    private readonly placed: PlacedApps,
  ) {}

  async of(project: string, names: readonly string[]): Promise<AppsByNode> {
    const apps = await this.placed.of(project);
    const labels = apps.needLabels ? await this.labels.of(project) : new Map<string, LabelledNode>();
    return new Map(names.map((name) => [name, apps.on(labels.get(name) ?? { name, labels: {} })]));
  }
}

/** Section `apps`: what is to run on a node, and whose volumes it is to remove. */
@Injectable()
export class AppsDesired implements Contributor {
  readonly section = 'apps';

  constructor(
    private readonly apps: NodeApps,
    private readonly purges: Purges,
  ) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredApps>> {
    const compiled = new Map<string, DesiredApps>();
    for (const [project, names] of byProject(nodes)) {
      const apps = await this.apps.of(project, names);
      const purges = await this.purges.of(project, names);
      const shared = new Shared<DesiredApps>();
      for (const node of names) {
        const wanted = (apps.get(node) ?? []).map(({ desired }) => desired);
        const leaving = purges.get(node) ?? [];
        const key = [...wanted.map(({ name }) => name), '', ...leaving.map(({ uid }) => uid)].join(' ');
        compiled.set(nodeKey({ project, node }), shared.of(key, { apps: wanted, purges: leaving }));
      }
    }
    return compiled;
  }
}

/** Section `secrets`: what the apps on a node need to pull their images. */
@Injectable()
export class SecretsDesired implements Contributor {
  readonly section = 'secrets';

  constructor(
    private readonly apps: NodeApps,
    private readonly secrets: Secrets,
  ) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredSecrets>> {
    const compiled = new Map<string, DesiredSecrets>();
    for (const [project, names] of byProject(nodes)) {
      const used = namesOfSecrets(await this.apps.of(project, names));
      const opened = await this.secrets.open(project, [...new Set([...used.values()].flat())]);
      const shared = new Shared<DesiredSecrets>();
      for (const node of names) {
        const secrets = (used.get(node) ?? []).flatMap((name) => {
          const spec = opened.get(name);
          return spec === undefined ? [] : [{ name, spec }];
        });
        compiled.set(nodeKey({ project, node }), shared.of(secrets.map(({ name }) => name).join(' '), { secrets }));
      }
    }
    return compiled;
  }
}

/** Nodes that are to have the same get the very same object, which then is encoded once. */
class Shared<T> {
  private readonly known = new Map<string, T>();

  of(key: string, value: T): T {
    const known = this.known.get(key);
    if (known === undefined) this.known.set(key, value);
    return known ?? value;
  }
}

function namesOfSecrets(apps: AppsByNode): Map<string, string[]> {
  const names = [...apps].map(([node, placed]): [string, string[]] => {
    const used = placed.flatMap(({ desired }) => desired.imagePullSecret ?? []);
    return [node, [...new Set(used)].sort()];
  });
  return new Map(names);
}

function byProject(nodes: readonly NodeRef[]): Map<string, string[]> {
  const projects = new Map<string, string[]>();
  for (const { project, node } of nodes) {
    const there = projects.get(project);
    if (there === undefined) projects.set(project, [node]);
    else there.push(node);
  }
  return projects;
}
