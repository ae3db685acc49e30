/** What a grant of the broker may say: topic filters that forge nothing and read nobody's secrets. */
import { z } from 'zod';
import { DEVICE_TOPICS, type Direction, ENCRYPTED_TOPICS, MAX_TOPIC, NODE_TOPICS } from './topics.js';

const MAX_LEVELS = 32;
/** Whose topics begin with `$` and may be granted at all: the platform's own, and those of KubeEdge's mappers. */
const ROOTS = ['$hw', '$ke'];

/** Topics that the agent alone publishes, as filters. */
const AGENT_ONLY: readonly string[] = [
  ...down(DEVICE_TOPICS).map((of) => `$hw/events/device/+/${of}`),
  ...down(NODE_TOPICS).map((of) => `$hw/events/node/+/${of}`),
  ...down(ENCRYPTED_TOPICS).map((of) => `$hw/+/encryptdatas/+/properties/+/${of}`),
];

const topicFilter = z
  .string()
  .min(1)
  .max(MAX_TOPIC)
  .regex(/^[^\0]*$/);
const filters = z.array(topicFilter).max(64);

/** What a client may do beyond what is everybody's: topic filters in MQTT's own spelling. */
export const grants = z.object({ publish: filters, subscribe: filters });
export type Grants = z.infer<typeof grants>;

const givenFilters = filters.default([]);
/** The same as an operator writes them: filters that say more than a client may have are refused. */
export const clientGrants = z
  .strictObject({ publish: givenFilters, subscribe: givenFilters })
  .superRefine((all, context) => {
    for (const may of ['publish', 'subscribe'] as const)
      for (const [index, filter] of all[may].entries()) {
        const message = grantProblem(may, filter);
        if (message !== undefined) context.addIssue({ code: 'custom', path: [may, index], message });
      }
  });

/** Why a filter may not be granted; undefined when it may. */
export function grantProblem(may: 'publish' | 'subscribe', filter: string): string | undefined {
  const levels = filter.split('/');
  const [root = ''] = levels;
  if (levels.length > MAX_LEVELS) return `a topic filter has at most ${MAX_LEVELS} levels`;
  if (levels.some((level, at) => level.includes('#') && (level !== '#' || at < levels.length - 1)))
    return '# stands alone and is the last level of a topic filter';
  if (levels.some((level) => level.includes('+') && level !== '+')) return '+ stands alone in its level';
  if (root.startsWith('$') && !ROOTS.includes(root)) return `topics of ${root} are not granted to anybody`;
  const forged = may === 'publish' ? AGENT_ONLY.find((topics) => overlap(filter, topics)) : undefined;
  if (forged !== undefined) return `only the agent publishes ${forged}; name the topics that the app publishes`;
  return undefined;
}

/** Whether some topic is named by both filters. A wildcard at the front names no topic that begins with `$` [MQTT-4.7.2-1]. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  if (startsWithDollar(a) !== startsWithDollar(b) && [a[0], b[0]].some((root) => root === '+' || root === '#'))
    return false;
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [left, right] = [a[at], b[at]];
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return false;
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
  return true;
}

function startsWithDollar([root = '']: readonly string[]): boolean {
  return root.startsWith('$');
}

function down(topics: Readonly<Record<string, Direction>>): string[] {
  return Object.entries(topics).flatMap(([of, direction]) => (direction === 'down' ? [of] : []));
}
