import { EdgeError, type Labels, matches, parseSelector, type Placement, type Requirement } from '@selvage/protocol';

/** A node as placement sees it. */
export interface LabelledNode {
  readonly name: string;
  readonly labels: Labels;
}

/** A placement ready for matching; without requirements it is the named nodes only. */
export interface Where {
  readonly nodes: ReadonlySet<string>;
  readonly requirements: readonly Requirement[];
}

/** Reads a placement. An empty selector adds no node. */
export function whereOf(placement: Pick<Placement, 'nodes' | 'selector'>): Where {
  return { nodes: new Set(placement.nodes), requirements: parseSelector(placement.selector ?? '') };
}

/** Whether an app placed so runs on the node. */
export function isPlaced(where: Where, node: LabelledNode): boolean {
  return where.nodes.has(node.name) || (where.requirements.length > 0 && matches(where.requirements, node.labels));
}

/** First of the nodes on which both run. */
export function commonNode(a: Where, b: Where, nodes: readonly LabelledNode[]): string | undefined {
  return nodes.find((node) => isPlaced(a, node) && isPlaced(b, node))?.name;
}

/**
 * Refuses names of nodes that are not there.
 * @throws EdgeError `bad_request` naming them.
 */
export function refuseUnknownNodes(wanted: Iterable<string>, known: ReadonlySet<string>): void {
  const unknown = [...wanted].filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const shown = unknown.slice(0, 10).map((name) => `"${name}"`);
  const more = unknown.length > shown.length ? ` and ${unknown.length - shown.length} more` : '';
  const [subject, verb] = unknown.length === 1 ? ['node', 'does'] : ['nodes', 'do'];
  throw new EdgeError('bad_request', `spec.placement.nodes: ${subject} ${shown.join(', ')}${more} ${verb} not exist.`);
}
