import { EdgeError } from '@selvage/protocol';

/** Which dead letter of a route: `node` absent: it lies at the hub. */
export interface LetterId {
  readonly node?: string | undefined;
  readonly seq: number;
}

const ID = /^(?:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/)?([1-9]\d{0,14})$/;

/** `12` at the hub, `node/12` at a node. */
export function idOf({ node, seq }: LetterId): string {
  return node === undefined ? String(seq) : `${node}/${seq}`;
}

/** @throws EdgeError `bad_request`. */
export function readId(text: string): LetterId {
  const id = read(text);
  if (id !== undefined) return id;
  throw new EdgeError('bad_request', `"${text.slice(0, 40)}" is no id of a dead letter.`);
}

/** @throws EdgeError `invalid_cursor`. */
export function readCursor(text: string): LetterId {
  const id = read(text);
  if (id !== undefined) return id;
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}

/** The places that come at or after one, the hub first. */
export function placesFrom(nodes: readonly string[], from: string | undefined): (string | undefined)[] {
  return from === undefined ? [undefined, ...nodes] : nodes.filter((node) => node >= from);
}

/** After which letter of a place a page goes on. */
export function firstAfter(after: LetterId | undefined, node: string | undefined): number {
  return after?.node === node ? (after?.seq ?? 0) : 0;
}

export function seqsByPlace(ids: readonly LetterId[]): Map<string | undefined, number[]> {
  const places = new Map<string | undefined, number[]>();
  for (const { node, seq } of ids) places.set(node, [...(places.get(node) ?? []), seq]);
  return places;
}

function read(text: string): LetterId | undefined {
  const [, node, seq] = ID.exec(text) ?? [];
  return seq === undefined ? undefined : { node, seq: Number(seq) };
}
