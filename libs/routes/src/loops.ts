import { overlap } from '@selvage/protocol';

/** A route from broker to broker, as far as loops are concerned. */
export interface Hop {
  readonly name: string;
  /** Whole source filter; `{node}` already replaced by `+` when there are several nodes. */
  readonly filter: string;
  /** Topics that it publishes, as a filter: see `topicsOf`. */
  readonly publishes: string;
  /** Nodes it takes from and publishes on; undefined: all of them. */
  readonly from: readonly string[] | undefined;
  readonly to: readonly string[] | undefined;
}

/** Every topic that a template may become, as a filter. */
export function topicsOf(template: string): string {
  const levels: string[] = [];
  for (const level of template.split('/')) {
    // These may have any number of levels.
    if (/\{(topic|rest)\}/.test(level)) return [...levels, '#'].join('/');
    levels.push(level.includes('{') ? '+' : level);
  }
  return levels.join('/');
}

/** Names of routes that feed each other in a circle, the first one again at the end; undefined when there is none. */
export function loopIn(hops: readonly Hop[]): string[] | undefined {
  const done = new Set<Hop>();
  for (const start of hops) {
    const circle = walk(start, { hops, done, path: [] });
    if (circle !== undefined) return circle;
  }
  return undefined;
}

interface Walk {
  readonly hops: readonly Hop[];
  readonly done: Set<Hop>;
  readonly path: readonly Hop[];
}

function walk(hop: Hop, { hops, done, path }: Walk): string[] | undefined {
  const at = path.indexOf(hop);
  if (at !== -1) return [...path.slice(at), hop].map(({ name }) => name);
  if (done.has(hop)) return undefined;
  for (const next of hops) {
    if (!feeds(hop, next)) continue;
    const circle = walk(next, { hops, done, path: [...path, hop] });
    if (circle !== undefined) return circle;
  }
  done.add(hop);
  return undefined;
}

function feeds({ publishes, to }: Hop, { filter, from }: Hop): boolean {
  const meet = to === undefined || from === undefined || to.some((node) => from.includes(node));
  return meet && overlap(publishes, filter);
}
