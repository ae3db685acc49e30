import { type DesiredBroker, type DesiredNode, nodeKey } from '@selvage/protocol';
import type { Contributor } from '../desired/index.js';
import type { Nodes } from './nodes.service.js';

/** What the hub tells each agent about its own node. */
export function nodeContributor(nodes: Nodes): Contributor {
  return {
    section: 'node',
    async compile(refs): Promise<ReadonlyMap<string, DesiredNode>> {
      const enabledOf = await nodes.enabledOf(refs);
      return new Map(
        refs.flatMap((ref) => {
          const enabled = enabledOf.get(nodeKey(ref));
          return enabled === undefined ? [] : [[nodeKey(ref), { ...ref, enabled }] as const];
        }),
      );
    },
  };
}

/** What operators say about the brokers of nodes; a node of which nothing is said has the broker that comes by default. */
export function brokerContributor(nodes: Nodes): Contributor {
  return {
    section: 'broker',
    compile: (refs): Promise<ReadonlyMap<string, DesiredBroker>> => nodes.brokersOf(refs),
  };
}
