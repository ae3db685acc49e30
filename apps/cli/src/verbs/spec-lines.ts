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
  if ('password' in spec) return { ...spec, password: undefined };
  // Of a data secret the hub shows the names of its properties; a manifest has their values as well.
  const isData = 'type' in spec && spec.type === 'data' && 'properties' in spec;
  return isData ? { ...spec, properties: namesOf(spec.properties) } : spec;
}

function namesOf(properties: unknown): string[] {
  if (Array.isArray(properties)) return properties.map(String).sort();
  return typeof properties === 'object' && properties !== null ? Object.keys(properties).sort() : [];
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
