/** Which routes take the messages of a topic. Pure. */
import type { DesiredRoute } from '@selvage/protocol';
import { byExactness, type Captures, matchTopic } from '@selvage/routes';

export type Candidate = Pick<DesiredRoute, 'uid' | 'topic' | 'group'>;

/**
 * The routes that take the messages of a topic, with what their wildcards stand for: of those that lead to one target only the one with
 * the more exact filter, the one of the lower uid when the filters are the same.
 */
export function takersOf(routes: Iterable<Candidate>, topic: string): ReadonlyMap<string, Captures> {
  const best = new Map<string, { readonly route: Candidate; readonly captures: Captures }>();
  for (const route of routes) {
    const captures = matchTopic(route.topic, topic);
    const before = best.get(route.group)?.route;
    if (captures === undefined || (before !== undefined && !isBefore(route, before))) continue;
    best.set(route.group, { route, captures });
  }
  return new Map([...best.values()].map(({ route, captures }) => [route.uid, captures]));
}

function isBefore(one: Candidate, other: Candidate): boolean {
  const order = byExactness(one.topic, other.topic);
  return order === 0 ? one.uid < other.uid : order < 0;
}
