import { EdgeError } from '@selvage/protocol';
import { fill } from '@selvage/routes';
import type { FastifyRequest } from 'fastify';
import type { Nodes } from '../nodes/nodes.module.js';
import type { GatewayTarget } from './gateway.rules.js';
import type { Matched } from './known-routes.service.js';

/** A request that a route takes. */
export interface Asked extends Matched, GatewayTarget {
  readonly request: FastifyRequest;
  readonly body: Uint8Array;
  readonly traceparent: string;
}

/** What the templates of the route's target may name. */
export function varsOf({ captures, route, request, path }: Asked): Record<string, string> {
  return { project: route.project, id: request.id, topic: path, ...captures };
}

/** The node that the route's target names, if it does. @throws EdgeError `not_found` when there is none of this name. */
export async function nodeOf(asked: Asked, nodes: Pick<Nodes, 'exist'>): Promise<string | undefined> {
  const { project, spec } = asked.route;
  if (spec.target.node === undefined) return undefined;
  const node = fill(spec.target.node, varsOf(asked));
  if ((await nodes.exist(project, [node])).has(node)) return node;
  throw new EdgeError('not_found', `There is no node "${node}" in project "${project}".`);
}

/** A header as one text. */
export function oneOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
