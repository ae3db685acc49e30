import type { Labels, Node, NodeFacts, NodeSpec, NodeState } from '@selvage/protocol';
import { daysLeft, nodeState, stateReason } from './nodes.rules.js';

/** A node as it is kept. Times are ISO 8601. */
export interface StoredNode {
  readonly project: string;
  readonly name: string;
  readonly labels: Labels;
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly enabled: boolean;
  readonly description: string;
  readonly broker?: NodeSpec['broker'] | null;
  readonly joinedAt: string | null;
  readonly lastSeenAt: string | null;
  readonly facts: NodeFacts | null;
}

/** What is known of a node at this moment only. `heardAt`: of its live link, epoch milliseconds; undefined without one. */
export interface LiveNode {
  readonly heardAt: number | undefined;
  readonly certificateNotAfter: string | undefined;
  readonly revisions: { readonly desired?: number; readonly stored?: number };
}

/** The state of a stored node. */
export function stateOf(node: Pick<StoredNode, 'enabled' | 'joinedAt'>, online: boolean): NodeState {
  return nodeState({ enabled: node.enabled, joinedAt: node.joinedAt ?? undefined, online });
}

/** What the API shows of a node. `now` is in milliseconds since 1970. */
export function shownNode(stored: StoredNode, live: LiveNode, now: number): Node {
  const { project, name, labels, revision, createdAt, updatedAt, enabled, description } = stored;
  const status = statusOf(stored, live, now);
  const spec = { enabled, description, ...(stored.broker && { broker: stored.broker }) };
  return { name, project, labels, revision, createdAt, updatedAt, spec, status };
}

function statusOf(stored: StoredNode, live: LiveNode, now: number): Node['status'] {
  const { name, enabled } = stored;
  const { heardAt, certificateNotAfter, revisions } = live;
  const online = heardAt !== undefined;
  const joinedAt = stored.joinedAt ?? undefined;
  const lastSeenAt = online ? new Date(heardAt).toISOString() : (stored.lastSeenAt ?? undefined);
  const reason = stateReason({ name, enabled, online, joinedAt, lastSeenAt, certificateNotAfter }, now);
  return {
    state: stateOf(stored, online),
    ...(reason !== undefined && { reason }),
    ...(lastSeenAt !== undefined && { lastSeenAt }),
    ...(joinedAt !== undefined && { joinedAt }),
    ...(certificateNotAfter !== undefined && { certificateDaysLeft: daysLeft(certificateNotAfter, now) }),
    ...(stored.facts && { facts: stored.facts }),
    ...(revisions.desired !== undefined && { desiredRevision: revisions.desired }),
    ...(revisions.stored !== undefined && { storedRevision: revisions.stored }),
  };
}
