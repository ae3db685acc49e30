import { Inject, Injectable } from '@nestjs/common';
import { type AppSpec, EdgeError, MAX_APPS_SECTION } from '@selvage/protocol';
import { Brackets, type EntityManager } from 'typeorm';
import { Nodes } from '../nodes/nodes.module.js';
import { Secrets } from '../secrets/secrets.module.js';
import { AppRow } from './apps.entity.js';
import { hostPortsOf, tooMuch } from './apps.rules.js';
import { hostPathsOf, refuseSystemPaths, refuseUnlistedPaths } from './mounts.rules.js';
import { commonNode, isPlaced, type LabelledNode, refuseUnknownNodes, type Where, whereOf } from './placement.rules.js';
import { PlacedApps } from './placed-apps.service.js';
import { clashes, portConflict, portsOf } from './ports.rules.js';

/** An app as it would be. `size`: bytes in the section `apps` of a node. */
export interface Candidate {
  readonly project: string;
  readonly name: string;
  readonly spec: AppSpec;
  readonly size: number;
}

/** Ports asked for by one query. */
const PORTS_AT_ONCE = 100;

/** Everything that must hold before an app is saved. Runs in the transaction that saves it. */
@Injectable()
export class AppChecks {
  constructor(
    @Inject(Nodes) private readonly nodes: Pick<Nodes, 'exist' | 'namesAndLabels' | 'mountHosts'>,
    private readonly secrets: Secrets,
    private readonly placed: PlacedApps,
  ) {}

  /** @throws EdgeError `bad_request`, `mount_forbidden`, `port_conflict`, saying what is wrong and where. */
  async run(from: EntityManager, app: Candidate): Promise<void> {
    const where = whereOf(app.spec.placement);
    const names = await this.placedOn(app.project, where);
    await this.paths(app, names);
    await this.pullSecret(from, app);
    await this.ports(from, app, { where, names });
    await this.sizes(from, app, names);
  }

  /** Names of the nodes; all of them exist. */
  private async placedOn(project: string, where: Where): Promise<string[]> {
    if (where.requirements.length === 0) {
      refuseUnknownNodes(where.nodes, await this.nodes.exist(project, [...where.nodes]));
      return [...where.nodes];
    }
    const all = await this.nodes.namesAndLabels(project);
    refuseUnknownNodes(where.nodes, new Set(all.map(({ name }) => name)));
    return all.filter((node) => isPlaced(where, node)).map(({ name }) => name);
  }

  private async paths({ project, spec }: Candidate, names: readonly string[]): Promise<void> {
    const paths = hostPathsOf(spec);
    if (paths.length === 0) return;
    refuseSystemPaths(paths);
    refuseUnlistedPaths(paths, await this.nodes.mountHosts(project, names));
  }

  private async ports(
    from: EntityManager,
    app: Candidate,
    { where, names }: { where: Where; names: readonly string[] },
  ): Promise<void> {
    const ours = portsOf(app.name, app.spec);
    const rivals = (await this.rivals(from, app)).flatMap((other) => {
      const [pair] = clashes(ours, portsOf(other.name, other.spec));
      return pair === undefined ? [] : [{ use: pair[0], other: other.name, place: whereOf(other.spec.placement) }];
    });
    if (rivals.length === 0) return;
    const nodes = await this.labelled(app.project, names);
    for (const { use, other, place } of rivals) {
      const node = commonNode(where, place, nodes);
      if (node !== undefined) throw portConflict(use, other, node);
    }
  }

  private async labelled(project: string, names: readonly string[]): Promise<LabelledNode[]> {
    const wanted = new Set(names);
    return (await this.nodes.namesAndLabels(project)).filter(({ name }) => wanted.has(name));
  }

  /** Other apps of the project that publish one of our host ports somewhere. */
  private async rivals(from: EntityManager, { project, name, spec }: Candidate): Promise<AppRow[]> {
    const ports = hostPortsOf(spec);
    const found = new Map<string, AppRow>();
    for (let at = 0; at < ports.length; at += PORTS_AT_ONCE) {
      const some = ports.slice(at, at + PORTS_AT_ONCE);
      const rows = await from
        .createQueryBuilder(AppRow, 'app')
        .where('app.project = :project AND app.name <> :name', { project, name })
        .andWhere(publishesAny(some))
        .orderBy('app.name')
        .getMany();
      for (const row of rows) found.set(row.name, row);
    }
    return [...found.values()];
  }

  private async pullSecret(from: EntityManager, { project, spec }: Candidate): Promise<void> {
    const name = spec.imagePullSecret;
    if (name === undefined || (await this.secrets.has(project, name, from))) return;
    throw new EdgeError(
      'bad_request',
      `spec.imagePullSecret: there is no secret "${name}" of type registry in project "${project}".`,
    );
  }

  private async sizes(from: EntityManager, app: Candidate, names: readonly string[]): Promise<void> {
    const { project, name, size } = app;
    const sum = await from
      .createQueryBuilder(AppRow, 'app')
      .select('SUM(app.size)', 'bytes')
      .where('app.project = :project AND app.name <> :name', { project, name })
      .getRawOne<{ bytes: string | number | null }>();
    // A node that had all of them would not be too full: no need to look at each node.
    if (Number(sum?.bytes ?? 0) + size <= MAX_APPS_SECTION) return;
    const apps = await this.placed.load(project, from);
    for (const node of await this.labelled(project, names)) {
      const others = apps.on(node).filter(({ desired }) => desired.name !== name);
      const bytes = others.reduce((total, other) => total + other.size, size);
      if (bytes > MAX_APPS_SECTION) throw tooMuch(node.name, bytes, MAX_APPS_SECTION);
    }
  }
}

function publishesAny(ports: readonly string[]): Brackets {
  return new Brackets((any) => {
    for (const [index, port] of ports.entries())
      any.orWhere(`app.hostPorts LIKE :port${index}`, { [`port${index}`]: `% ${port} %` });
  });
}
