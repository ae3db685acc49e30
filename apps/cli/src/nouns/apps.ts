import { type App, endpoints } from '@selvage/protocol';
import { age, type Column } from '../output/index.js';
import { UsageError } from '../world/index.js';
import { everything } from './listing.js';
import { asManifest, labelText, type Noun } from './noun.js';

const SHOWN_NODES = 3;
const STATES = ['progressing', 'running', 'failed', 'completed', 'unknown'];

const columns: readonly Column<App>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'STATE', of: stateOf },
  { title: 'RUNNING', of: ({ status }) => `${status.running}/${status.wanted}` },
  { title: 'NODES', of: nodesOf },
  { title: 'IMAGE', of: imagesOf },
  { title: 'AGE', of: ({ createdAt }, now) => age(createdAt, now), ticking: true },
  { title: 'LABELS', of: ({ labels }) => labelText(labels), wide: true },
  { title: 'REVISION', of: ({ revision }) => String(revision), wide: true },
  { title: 'REASON', of: reasonsOf, sparse: true },
];

export const apps: Noun<App> = {
  noun: 'app',
  manifestOf: (item) => asManifest('App', item),
  plural: 'apps',
  columns,
  filters: ['selector', 'state', 'node'],
  live: 'app',
  nameOf: ({ name }) => name,
  list: async ({ client, project }, { selector, state, node, limit, signal }) => {
    if (state !== undefined && !STATES.includes(state))
      throw new UsageError(`"${state}" is no state of an app: ${STATES.join(', ')}`);
    const query = { ...(selector !== undefined && { labels: selector }), ...(node !== undefined && { node }) };
    const all = await everything(
      (page) => client.call(endpoints.apps.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
    return state === undefined ? all : all.filter(({ status }) => status.state === state);
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.apps.get, { params: { project, name }, signal }),
};

/** The state, and whether it is only what was known when its nodes went away. */
function stateOf({ status: { state, instances } }: App): string {
  const [first, ...others] = instances;
  if (first === undefined || instances.some(({ nodeState }) => nodeState === 'ready')) return state;
  return `${state} (${others.length === 0 ? `node ${first.nodeState.replace('_', ' ')}` : 'no node connected'})`;
}

function nodesOf({ status }: App): string {
  const names = status.instances.map(({ node }) => node);
  const more = names.length - SHOWN_NODES;
  return more > 0 ? `${names.slice(0, SHOWN_NODES).join(',')},+${more}` : names.join(',');
}

function imagesOf({ spec }: App): string {
  const [first, ...more] = spec.containers;
  return `${first?.image ?? ''}${more.length > 0 ? ` +${more.length}` : ''}`;
}

/** Why it fails and where, each reason once: `image_pull_failed (edge-2)`. */
function reasonsOf({ status }: App): string {
  const where = new Map<string, string[]>();
  for (const { node, containers } of status.instances)
    for (const { reason } of containers)
      if (reason !== undefined) where.set(reason, [...(where.get(reason) ?? []), node]);
  return [...where].map(([reason, names]) => `${reason} (${[...new Set(names)].join(',')})`).join(', ');
}
