import { Injectable } from '@nestjs/common';
import {
  type DesiredRoute,
  type DesiredRoutes,
  type DesiredTarget,
  type EndpointSpec,
  MAX_NODE_ROUTES,
  nodeKey,
  type NodeRef,
} from '@selvage/protocol';
import { wholeFilter } from '@selvage/routes';
import { namesByProject } from '../certificates/certificates.module.js';
import type { Contributor } from '../desired/index.js';
import { Endpoints } from '../endpoints/endpoints.module.js';
import { type KnownRoute, KnownRoutes } from './known-routes.service.js';
import { PlacedNodes } from './placed-nodes.service.js';
import { longTopic } from './routes.rules.js';

type Specs = ReadonlyMap<string, EndpointSpec>;

/** Section `routes`: which messages a node takes, and what it does with them. */
@Injectable()
export class RoutesDesired implements Contributor {
  readonly section = 'routes';

  constructor(
    private readonly known: KnownRoutes,
    private readonly endpoints: Endpoints,
    private readonly placed: PlacedNodes,
  ) {}

  async compile(nodes: readonly NodeRef[]): Promise<ReadonlyMap<string, DesiredRoutes>> {
    const compiled = new Map<string, DesiredRoutes>();
    for (const [project, names] of namesByProject(nodes)) {
      const routes = [...this.known.of(project)].sort((a, b) => (a.name < b.name ? -1 : 1));
      if (routes.length === 0) continue;
      const specs = await this.specs(project, routes);
      const services = portsOf(routes, specs);
      for (const node of names) {
        const on = await this.placed.on(
          project,
          node,
          routes.map(({ spec }) => spec),
        );
        const own = routes.filter((_route, index) => on[index] === true).slice(0, MAX_NODE_ROUTES);
        const desired = own.flatMap((route) => desiredRoute(route, node, specs) ?? []);
        compiled.set(nodeKey({ project, node }), { routes: desired, services });
      }
    }
    return compiled;
  }

  private async specs(project: string, routes: readonly KnownRoute[]): Promise<Specs> {
    const names = [...new Set(routes.map(({ spec }) => spec.target.endpoint))];
    return new Map((await this.endpoints.find(project, names)).map(({ name, spec }) => [name, spec]));
  }
}

function desiredRoute({ uid, name, project, spec }: KnownRoute, node: string, specs: Specs): DesiredRoute | undefined {
  const { source, target, filter, transform, ttlSeconds, rate, state, priority, order, batch, retry, budget } = spec;
  if (source.endpoint !== 'edge') return undefined;
  const to = targetOn(target, specs.get(target.endpoint));
  return {
    ...{ uid, name, target: to, group: target.endpoint, state, priority, order, batch, retry, budget },
    topic: wholeFilter(source.topic, { project, node }),
    ...(filter !== undefined && { filter }),
    ...(transform !== undefined && { transform }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(rate !== undefined && { rate }),
  };
}

/** What stays on its node never needs the hub. */
function targetOn(target: KnownRoute['spec']['target'], endpoint: EndpointSpec | undefined): DesiredTarget {
  const { topic, path = '/', qos = 1, retain = false, node } = target;
  if (node !== undefined) return { kind: 'hub' };
  if (target.endpoint === 'edge' && topic !== undefined) return { kind: 'edge', topic: longTopic(topic), qos, retain };
  if (endpoint?.kind === 'service')
    return { kind: 'service', port: endpoint.port, path, timeoutSeconds: endpoint.timeoutSeconds };
  return { kind: 'hub' };
}

/** Ports that the hub may call on any node of the project. */
function portsOf(routes: readonly KnownRoute[], specs: Specs): number[] {
  const ports = routes.flatMap(({ spec: { target } }) => {
    const endpoint = target.node === undefined ? undefined : specs.get(target.endpoint);
    return endpoint?.kind === 'service' ? [endpoint.port] : [];
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}
