import type { NodeRef } from '@selvage/protocol';

/** Names of nodes by project, each once: what a query about many nodes needs. */
export function namesByProject(refs: Iterable<NodeRef>): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { project, node } of refs) {
    const names = found.get(project) ?? new Set();
    found.set(project, names.add(node));
  }
  return new Map([...found].map(([project, names]) => [project, [...names]]));
}

/** A list in pieces of at most `size`: databases limit the parameters of one statement. */
export function pieces<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}
