import { endpoints, type Node, nodeState } from '@selvage/protocol';
import { age, bytes, type Column, daysLeft } from '../output/index.js';
import { UsageError } from '../world/index.js';
import { everything } from './listing.js';
import { asManifest, labelText, type Noun } from './noun.js';

const columns: readonly Column<Node>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'STATE', of: ({ status }) => status.state },
  { title: 'LABELS', of: ({ labels }) => labelText(labels) },
  { title: 'ARCH', of: ({ status }) => status.facts?.arch ?? '' },
  { title: 'DOCKER', of: docker },
  { title: 'CERT', of: ({ status }) => daysLeft(status.certificateDaysLeft) },
  { title: 'LAST SEEN', of: ({ status }, now) => age(status.lastSeenAt, now), ticking: true },
  { title: 'OS', of: ({ status }) => status.facts?.os ?? '', wide: true },
  { title: 'KERNEL', of: ({ status }) => status.facts?.kernel ?? '', wide: true },
  { title: 'CPU', of: ({ status }) => String(status.facts?.cpus ?? ''), wide: true },
  { title: 'MEMORY', of: ({ status }) => (status.facts ? bytes(status.facts.memoryBytes) : ''), wide: true },
  { title: 'AGENT', of: ({ status }) => status.facts?.agentVersion ?? '', wide: true },
  { title: 'ADDRESSES', of: ({ status }) => status.facts?.addresses.join(',') ?? '', wide: true },
  { title: 'REASON', of: ({ status }) => status.reason ?? '', sparse: true },
];

export const nodes: Noun<Node> = {
  noun: 'node',
  manifestOf: (item) => asManifest('Node', item),
  plural: 'nodes',
  columns,
  filters: ['selector', 'state'],
  live: 'node',
  nameOf: ({ name }) => name,
  list: ({ client, project }, { selector, state, limit, signal }) => {
    const wanted = nodeState.safeParse(state);
    if (state !== undefined && !wanted.success)
      throw new UsageError(`"${state}" is no state of a node: ${nodeState.options.join(', ')}`);
    const query = {
      ...(selector !== undefined && { labels: selector }),
      ...(wanted.success && { state: wanted.data }),
    };
    return everything(
      (page) => client.call(endpoints.nodes.list, { params: { project }, query: { ...query, ...page }, signal }),
      limit,
    );
  },
  get: ({ client, project }, name, signal) => client.call(endpoints.nodes.get, { params: { project, name }, signal }),
};

function docker({ status }: Node): string {
  const engine = status.facts?.docker;
  if (engine === undefined) return '';
  return engine.state === 'ready' ? (engine.version ?? 'ready') : engine.state;
}
