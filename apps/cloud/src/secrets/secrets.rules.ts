import { EdgeError, type Secret, type SecretShown, type SecretSpec } from '@selvage/protocol';
import type { DataShown, SecretRow } from './secrets.entity.js';

/** Secrets of type `data` that one node takes. */
export const MAX_DATA_OF_NODE = 50;

/** What may be seen of a secret, as it is kept. */
export type ShownColumns = Pick<SecretRow, 'type' | 'registry' | 'username' | 'data'>;

export function shownColumns(spec: SecretSpec): ShownColumns {
  if (spec.type === 'registry')
    return { type: spec.type, registry: spec.registry, username: spec.username, data: null };
  const data = { nodes: [...spec.nodes], properties: Object.keys(spec.properties) };
  return { type: spec.type, registry: '', username: '', data };
}

export function shownSpec({ type, registry, username, data }: ShownColumns): SecretShown {
  return type === 'registry' ? { type, registry, username } : { type, ...(data ?? { nodes: [], properties: [] }) };
}

/** A secret as the API shows it. */
export function shownSecret(row: SecretRow, usedBy: readonly string[]): Secret {
  const { name, project, labels, revision, createdAt, updatedAt } = row;
  return {
    name,
    project,
    labels,
    revision,
    createdAt,
    updatedAt,
    spec: shownSpec(row),
    status: { usedBy: [...usedBy] },
  };
}

/** Nodes whose clients may read the values of a secret. */
export function nodesOf(row: { readonly data: DataShown | null } | undefined): readonly string[] {
  return row?.data?.nodes ?? [];
}

/** @throws EdgeError `bad_request` naming a node that has as many as it takes. `others`: all other secrets of the project. */
export function refuseTooMany(wanted: readonly string[], others: readonly { readonly data: DataShown | null }[]): void {
  const full = wanted.find((node) => others.filter((row) => nodesOf(row).includes(node)).length >= MAX_DATA_OF_NODE);
  if (full === undefined) return;
  throw new EdgeError(
    'bad_request',
    `spec.nodes: node "${full}" has ${MAX_DATA_OF_NODE} secrets of type data already; put more properties into one of them.`,
  );
}

export function inUse(name: string, users: readonly string[]): EdgeError {
  const shown = users.slice(0, 10).map((user) => `"${user}"`);
  const more = users.length > shown.length ? ` and ${users.length - shown.length} more` : '';
  return new EdgeError('in_use', `Secret "${name}" is used by ${shown.join(', ')}${more}; change them first.`);
}
