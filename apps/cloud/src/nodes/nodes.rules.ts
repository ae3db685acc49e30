import type { NodeState } from '@selvage/protocol';

const DAY_MS = 86_400_000;

/** What a node's state follows from. `certificateNotAfter` is the end of its newest unrevoked certificate. */
export interface NodeCondition {
  readonly name: string;
  readonly enabled: boolean;
  readonly online: boolean;
  readonly joinedAt: string | undefined;
  readonly lastSeenAt: string | undefined;
  readonly certificateNotAfter: string | undefined;
}

/** The state of a node. */
export function nodeState(node: Pick<NodeCondition, 'enabled' | 'joinedAt' | 'online'>): NodeState {
  if (!node.enabled) return 'disabled';
  if (node.joinedAt === undefined) return 'never_joined';
  return node.online ? 'ready' : 'offline';
}

/** Why a node is not ready, in words; undefined when it is. `now` is in milliseconds since 1970. */
export function stateReason(node: NodeCondition, now: number): string | undefined {
  switch (nodeState(node)) {
    case 'ready':
      return undefined;
    case 'disabled':
      return 'An operator disabled the node; what runs on it goes on running.';
    case 'never_joined':
      return `No machine has joined under this name yet; "selvage node join ${node.name}" prints the command to run there.`;
    case 'offline':
      return offlineReason(node, now);
  }
}

/** Whole days until a moment, negative when it has passed. */
export function daysLeft(notAfter: string, now: number): number {
  return Math.floor((Date.parse(notAfter) - now) / DAY_MS);
}

function offlineReason(node: NodeCondition, now: number): string {
  const seen =
    node.lastSeenAt === undefined ? 'It has not connected yet' : `Not connected since ${words(node.lastSeenAt)}`;
  const { certificateNotAfter } = node;
  if (certificateNotAfter === undefined)
    return `${seen}; its certificate was revoked, so it needs a new join token: "selvage node join ${node.name}".`;
  if (Date.parse(certificateNotAfter) < now)
    return `${seen}; its certificate expired at ${words(certificateNotAfter)} and is renewed when it comes back within the grace window.`;
  return `${seen}.`;
}

/** A moment as people read it: `2026-11-24 15:48:39Z`. */
function words(moment: string): string {
  return moment.replace('T', ' ').replace(/\.\d+/, '');
}
