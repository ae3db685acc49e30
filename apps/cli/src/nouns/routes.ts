import { endpoints, type MessageEndpoint, type Route, type RouteSource, type RouteTarget } from '@selvage/protocol';
import { age, bytes, type Column } from '../output/index.js';
import { UsageError } from '../world/index.js';
import { everything } from './listing.js';
import { asManifest, labelText, type Noun } from './noun.js';

const ENDPOINT_STATES = ['idle', 'working', 'failing'];
const ROUTE_STATES = ['active', 'paused', 'stopped', 'failing'];

export const messageEndpoints: Noun<MessageEndpoint> = {
  noun: 'endpoint',
  manifestOf: (item) => asManifest('Endpoint', item),
  plural: 'endpoints',
  filters: ['selector', 'state'],
  live: 'endpoint',
  columns: [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'KIND', of: ({ spec }) => spec.kind },
    { title: 'ADDRESS', of: ({ spec }) => addressOf(spec) },
    { title: 'STATE', of: ({ status }) => status.state },
    { title: 'ROUTES', of: ({ status }) => status.usedBy.join(',') },
    { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
    { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
    { title: 'REVISION', of: ({ revision }) => String(revision), wide: true },
    { title: 'REASON', of: ({ status }) => (status.state === 'failing' ? status.detail : ''), sparse: true },
  ],
  nameOf: ({ name }) => name,
  list: async ({ client, project }, { selector, state, limit, signal }) => {
    const query = selector === undefined ? {} : { labels: selector };
    const page = (one: { limit: number; cursor?: string }) =>
      client.call(endpoints.endpoints.list, { params: { project }, query: { ...query, ...one }, signal });
    return inState(await everything(page, limit), state, { known: ENDPOINT_STATES, of: 'an endpoint' });
  },
  get: ({ client, project }, name, signal) =>
    client.call(endpoints.endpoints.get, { params: { project, name }, signal }),
};

const routeColumns: readonly Column<Route>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'SOURCE → TARGET', of: routeWay },
  { title: 'STATE', of: ({ status }) => status.state },
  { title: 'FORWARDED', of: ({ status }) => String(status.stats.forwarded) },
  { title: 'FAILED', of: ({ status }) => String(status.stats.failed) },
  { title: 'BACKLOG', of: backlogOf },
  { title: 'DEAD', of: ({ status }) => String(status.stats.dead) },
  { title: 'TAKEN', of: ({ status }) => String(status.stats.taken), wide: true },
  { title: 'FILTERED', of: ({ status }) => String(status.stats.filtered), wide: true },
  { title: 'DROPPED', of: droppedOf, wide: true },
  { title: 'P99', of: ({ status }) => msOf(status.stats.latency.p99Ms), wide: true },
  { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true, wide: true },
  { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  { title: 'REVISION', of: ({ revision }) => String(revision), wide: true },
  { title: 'REASON', of: ({ status }) => (status.state === 'failing' ? status.detail : ''), sparse: true },
];

export const routes: Noun<Route> = {
  noun: 'route',
  manifestOf: (item) => asManifest('Route', item),
  plural: 'routes',
  filters: ['selector', 'state'],
  live: 'route',
  columns: routeColumns,
  nameOf: ({ name }) => name,
  list: async ({ client, project }, { selector, state, limit, signal }) => {
    const query = selector === undefined ? {} : { labels: selector };
    const page = (one: { limit: number; cursor?: string }) =>
      client.call(endpoints.routes.list, { params: { project }, query: { ...query, ...one }, signal });
    return inState(await everything(page, limit), state, { known: ROUTE_STATES, of: 'a route' });
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.routes.get, { params: { project, name }, signal }),
};

/** Where a route leads from and to: `edge user/# → alarms /in`. */
export function routeWay({ spec }: Route): string {
  return `${sourceText(spec.source)} → ${targetText(spec.target)}`;
}

function sourceText(source: RouteSource): string {
  if (source.endpoint === 'rest') return `rest ${source.methods.join(',')} ${source.path}`;
  if (source.endpoint === 'events') return `events ${source.types.join(',')}`;
  const { nodes = [], selector } = source.nodes ?? {};
  const where = [...nodes, ...(selector === undefined ? [] : [selector])].join(',');
  return `edge ${source.topic}${where === '' ? '' : ` of ${where}`}`;
}

function targetText({ endpoint, topic, path, node }: RouteTarget): string {
  return [endpoint, topic, path, node && `on ${node}`].filter(Boolean).join(' ');
}

/** Where the other side is, for a line of a list. */
function addressOf(spec: MessageEndpoint['spec']): string {
  switch (spec.kind) {
    case 'service':
      return `port ${spec.port} of the node`;
    case 'kafka':
      return spec.brokers.join(',');
    case 'nats':
      return spec.servers.join(',');
    case 's3':
      return `${spec.url} ${spec.bucket}`;
    case 'postgres':
      return `${spec.host}:${spec.port}/${spec.database} ${spec.table}`;
    default:
      return spec.url;
  }
}

function backlogOf({ status }: Route): string {
  const { count, bytes: size } = status.stats.backlog;
  return count === 0 ? '0' : `${count} (${bytes(size)})`;
}

function droppedOf({ status }: Route): string {
  return String(status.stats.dropped.reduce((sum, { count }) => sum + count, 0));
}

function msOf(ms: number | undefined): string {
  return ms === undefined ? '' : `${ms} ms`;
}

function inState<T extends { readonly status: { readonly state: string } }>(
  all: T[],
  state: string | undefined,
  { known, of }: { readonly known: readonly string[]; readonly of: string },
): T[] {
  if (state === undefined) return all;
  if (!known.includes(state)) throw new UsageError(`"${state}" is no state of ${of}: ${known.join(', ')}`);
  return all.filter(({ status }) => status.state === state);
}
