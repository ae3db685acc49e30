import { BUILT_IN_ENDPOINTS, EdgeError, type RouteSpec } from '@selvage/protocol';

/**
 * A lane of the hub's outbox. `from`: who writes it, since no lane has two writers: `node` the messages of nodes, in the transaction that
 * takes them; `hub` what the hub took itself. `node`: where the messages go to, when they go to the broker or a service of a node.
 */
export interface Lane {
  readonly from: 'node' | 'hub';
  readonly uid: string;
  readonly node?: string | undefined;
}

const PREFIX = { node: 'routes', hub: 'own' } as const;

/** What messages of a route are called on their way from its node to the hub. */
export function linkLane(uid: string): string {
  return `routes/${uid}`;
}

/** Under what name it is noted how deliveries go: that of the endpoint; of a built-in one each route goes its own way. */
export function stateName({ uid, spec }: { readonly uid: string; readonly spec: RouteSpec }): string {
  const { endpoint } = spec.target;
  return BUILT_IN_ENDPOINTS.some((one) => one === endpoint) ? `${endpoint}/${uid}` : endpoint;
}

export function laneName({ from, uid, node }: Lane): string {
  return [PREFIX[from], uid, ...(node === undefined ? [] : [node])].join('/');
}

export function readLane(name: string): Lane {
  const [prefix, uid, node] = name.split('/');
  if (uid === undefined || (prefix !== PREFIX.node && prefix !== PREFIX.hub))
    throw new EdgeError('internal', `"${name}" is no lane of a route`);
  return { from: prefix === PREFIX.node ? 'node' : 'hub', uid, ...(node !== undefined && { node }) };
}
