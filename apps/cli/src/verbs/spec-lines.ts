import type { App, Manifest, Node, Secret } from '@selvage/protocol';
import { yaml } from '../output/index.js';

/**
 * Labels and spec of an object as lines to compare, keys in one order wherever they come from. What is secret is not in it.
 */
export function specLines({ labels, spec }: Pick<App | Node | Secret | Manifest, 'labels' | 'spec'>): string[] {
  return yaml(ordered({ labels, spec: shown(spec) }))
    .trimEnd()
    .split('\n');
}

function shown(spec: object): object {
  return 'password' in spec ? { ...spec, password: undefined } : spec;
}

/** `name` first, because it tells what the rest is about. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.sort(byKey).map(([key, inner]) => [key, ordered(inner)]));
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

function rank(key: string): number {
  return key === 'name' ? 0 : 1;
}
