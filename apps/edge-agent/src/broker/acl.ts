/** Who may publish and subscribe what on the node's broker. Pure: denied unless something here allows it. */
import {
  DEVICE_TOPICS,
  type DeviceTopic,
  deviceTopic,
  ENCRYPTED_TOPICS,
  NODE_TOPICS,
  nodeTopic,
  parseTopic,
} from '@selvage/protocol';
import { covers, names } from './filters.js';

/** Who a client is, as its certificate or login says. */
export type Principal =
  | { readonly kind: 'device' | 'app'; readonly id: string; readonly grants: Grants }
  /** A program on the node itself, where the node's owner allows it: trusted with everything but what only the agent says. */
  | { readonly kind: 'local'; readonly id: string };

/** Topic filters beyond what is everybody's own. */
export interface Grants {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Where the broker runs. */
export interface Place {
  readonly project: string;
  readonly node: string;
}

/** Whether a message may be published, wills and retained ones alike. */
export function mayPublish(who: Principal, topic: string, place: Place): boolean {
  if (topic.startsWith('$SYS/')) return false;
  if (topic.startsWith('$hw/') && !isForClients(topic)) return false;
  return who.kind === 'local' || publishable(who, place).some((filter) => names(filter, topic));
}

/** Whether a subscription may be made: all that its filter names must be allowed. */
export function maySubscribe(who: Principal, filter: string, place: Place): boolean {
  if (filter.startsWith('$SYS')) return false;
  return who.kind === 'local' || subscribable(who, place).some((allowed) => covers(allowed, filter));
}

/** Whether a topic of the platform is one that devices and apps publish, rather than the agent. */
function isForClients(topic: string): boolean {
  const known = parseTopic(topic);
  switch (known?.kind) {
    case 'device':
      return DEVICE_TOPICS[known.of] === 'up';
    case 'node':
      return NODE_TOPICS[known.of] === 'up';
    case 'encrypted':
      return ENCRYPTED_TOPICS[known.of] === 'up';
    case 'alarm':
    case 'upload':
      return true;
    default:
      return false;
  }
}

type Known = Extract<Principal, { kind: 'device' | 'app' }>;
const DEVICE_UP: readonly DeviceTopic[] = ['twin/get', 'twin/update', 'state/update'];

function publishable({ kind, id, grants }: Known, { node }: Place): string[] {
  if (kind === 'app') return [...grants.publish];
  const own = DEVICE_UP.map((of) => deviceTopic(id, of));
  return [...own, nodeTopic(node, 'membership/get'), `$ke/events/device/${id}/data/update`, ...grants.publish];
}

function subscribable({ kind, id, grants }: Known, { node }: Place): string[] {
  if (kind === 'app') return [...grants.subscribe];
  return [`$hw/events/device/${id}/#`, `$hw/events/node/${node}/membership/#`, ...grants.subscribe];
}
