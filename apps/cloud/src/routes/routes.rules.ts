import {
  DEVICE_TOPICS,
  EdgeError,
  type EndpointSpec,
  type Route,
  type RouteSpec,
  type RouteStatus,
} from '@selvage/protocol';
import {
  checkTemplate,
  type Hop,
  loopIn,
  MESSAGE_VARIABLES,
  pathShape,
  readFilter,
  readPath,
  readTransform,
  topicsOf,
  variablesOf,
  wholeFilter,
} from '@selvage/routes';
import type { RouteRow } from './routes.entity.js';

/** A route's spec, and what it is called. */
export interface NamedSpec {
  readonly name: string;
  readonly spec: RouteSpec;
}

/** Where a route may lead to. */
export type TargetKind = EndpointSpec['kind'] | 'edge' | 'live';

/** Variables that the templates of a route may name. */
export function variablesFor({ source }: RouteSpec): string[] {
  if (source.endpoint === 'rest') {
    const { segments } = readPath(source.path);
    const captures = segments.flatMap((segment) =>
      'capture' in segment ? [segment.capture] : 'rest' in segment ? [segment.rest] : [],
    );
    return [...captures, 'project', 'id', 'topic'];
  }
  if (source.endpoint === 'events') return ['project', 'id', 'topic', 'node', 'name'];
  const levels = source.topic.split('/');
  const pluses = levels.filter((level) => level === '+').map((_level, index) => String(index + 1));
  return [...pluses, ...(levels.at(-1) === '#' ? ['rest'] : []), ...MESSAGE_VARIABLES];
}

/**
 * Checks what can be known of a route by itself and its target's kind.
 * @throws EdgeError `bad_request` with the field and the place in it.
 */
export function checkRoute(spec: RouteSpec, kind: TargetKind): void {
  const { source, target, filter, transform } = spec;
  if (source.endpoint === 'edge')
    named('spec.source.topic', () => {
      checkSource(source.topic);
    });
  if (source.endpoint === 'rest') named('spec.source.path', () => readPath(source.path));
  const known = variablesFor(spec);
  for (const field of ['topic', 'path', 'node'] as const) {
    const template = target[field];
    if (template === undefined) continue;
    named(`spec.target.${field}`, () => {
      checkTemplate(field, template, known);
    });
  }
  if (filter !== undefined) named('spec.filter', () => readFilter(filter));
  if (transform !== undefined) named('spec.transform', () => readTransform(transform));
  if (spec.retry.minSeconds > spec.retry.maxSeconds) throw wrong('spec.retry: minSeconds is above maxSeconds');
  const problem = targetProblem(spec, kind);
  if (problem !== undefined) throw wrong(`spec.target: ${problem}`);
}

/** What devices are told by the agent never passes the routes of its node. */
function checkSource(topic: string): void {
  const filter = wholeFilter(topic, { project: 'p', node: 'n' });
  const [, of = ''] = /^\$hw\/events\/device\/[^/]+\/(.+)$/.exec(filter) ?? [];
  const own = Object.entries(DEVICE_TOPICS).some(([name, direction]) => direction === 'down' && name === of);
  if (own)
    throw wrong(`the agent alone publishes ${filter}, and routes take what devices and apps publish; use twin/update`);
}

function targetProblem({ source, target }: RouteSpec, kind: TargetKind): string | undefined {
  const toNode = kind === 'edge' || kind === 'service';
  if (!toNode && target.node !== undefined) return 'node is for edge and services only';
  if (toNode && target.node === undefined && source.endpoint !== 'edge')
    return 'name the node: nothing that comes from the hub is on one by itself';
  if (kind === 'edge') return edgeProblem(target.topic);
  if (target.retain !== undefined && kind !== 'mqtt') return 'retain is for edge and mqtt only';
  if (kind === 'service' && target.topic !== undefined) return 'a service has no topic; use path';
  if (kind === 'live' && (target.topic ?? target.path) !== undefined) return 'live has neither topic nor path';
  return undefined;
}

function edgeProblem(topic: string | undefined): string | undefined {
  if (topic === undefined) return 'name the topic on the broker';
  if (topic.startsWith('$')) return 'topics that begin with $ are published by the agent alone';
  return /[+#\0]/.test(topic) ? 'a topic that is published has no + and no #' : undefined;
}

/**
 * Refuses a route that another one makes senseless.
 * @throws EdgeError `route_conflict` naming the other route, or the circle.
 */
export function checkAmong(own: NamedSpec, others: readonly NamedSpec[]): void {
  const same = others.find(({ spec }) => overlaps(own.spec, spec));
  if (same !== undefined)
    throw new EdgeError(
      'route_conflict',
      `Route "${same.name}" has the same source and target already; change that one.`,
    );
  const circle = loopIn([own, ...others].flatMap(hopOf));
  if (circle !== undefined)
    throw new EdgeError('route_conflict', `The routes would feed each other in a circle: ${circle.join(' → ')}.`);
}

/** Of two REST routes that take the same requests only one could answer; of two others with one target each message would come twice. */
function overlaps(a: RouteSpec, b: RouteSpec): boolean {
  if (a.source.endpoint === 'rest' && b.source.endpoint === 'rest') {
    const { methods } = b.source;
    const sameShape = pathShape(readPath(a.source.path)) === pathShape(readPath(b.source.path));
    return sameShape && a.source.methods.some((method) => methods.includes(method));
  }
  if (a.target.endpoint !== b.target.endpoint || JSON.stringify(a.target) !== JSON.stringify(b.target)) return false;
  if (a.source.endpoint === 'events' && b.source.endpoint === 'events') {
    const { types } = b.source;
    return a.source.types.some((type) => types.includes(type));
  }
  if (a.source.endpoint !== 'edge' || b.source.endpoint !== 'edge') return false;
  return a.source.topic === b.source.topic && meet(nodesOf(a), nodesOf(b));
}

function meet(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((node) => b.includes(node));
}

/** Nodes that a route names; undefined: all, or chosen by labels, which may change. */
function nodesOf({ source }: RouteSpec): readonly string[] | undefined {
  if (source.endpoint !== 'edge' || source.nodes?.selector !== undefined) return undefined;
  return source.nodes?.nodes;
}

function hopOf({ name, spec }: NamedSpec): Hop[] {
  const { source, target } = spec;
  if (source.endpoint !== 'edge' || target.endpoint !== 'edge' || target.topic === undefined) return [];
  const filter = wholeFilter(source.topic, { project: '+', node: '+' });
  const from = nodesOf(spec);
  const isFixed = target.node !== undefined && variablesOf(target.node).length === 0;
  const to = target.node === undefined ? from : isFixed ? [target.node] : undefined;
  return [{ name, filter, publishes: topicsOf(longTopic(target.topic)), from, to }];
}

/** `user/…` is short for `{project}/nodes/{node}/user/…`. */
export function longTopic(topic: string): string {
  return topic.startsWith('user/') ? `{project}/nodes/{node}/${topic}` : topic;
}

export function shownRoute(row: RouteRow, status: RouteStatus): Route {
  const { name, project, labels, revision, createdAt, updatedAt, spec } = row;
  return { name, project, labels, revision, createdAt, updatedAt, spec, status };
}

/** Says in which field of the route an error lies. */
function named(field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    // The library names the part of the route by itself.
    if (error instanceof EdgeError) throw wrong(`${field}: ${error.detail.replace(/^\w+: /, '')}`, error);
    throw error;
  }
}

function wrong(detail: string, cause?: unknown): EdgeError {
  return new EdgeError('bad_request', detail, { cause });
}
