import type { Manifest } from '@selvage/protocol';
import type { NounName } from '../arguments/index.js';
import type { Column } from '../output/index.js';
import type { Session } from '../world/index.js';

/** What `get` may narrow a list by. */
export interface Filter {
  readonly selector?: string;
  readonly state?: string;
  readonly node?: string;
  /** At most this many. */
  readonly limit?: number;
  /** Of whom the certificates are listed: a node's name, `device/NAME` or `client/NAME`. */
  readonly of?: string;
  readonly signal: AbortSignal;
}

/** A noun as `get` shows it. */
export interface Noun<T> {
  readonly noun: NounName;
  readonly plural: string;
  /** It belongs to the hub and to no project. */
  readonly ofHub?: true;
  readonly columns: readonly Column<T>[];
  /** Filters that it understands. */
  readonly filters: readonly ('selector' | 'state' | 'node')[];
  readonly nameOf: (item: T) => string;
  readonly list: (session: Session, filter: Filter) => Promise<T[]>;
  /** Reads one by name; absent where the hub only lists. */
  readonly get?: (session: Session, name: string, signal: AbortSignal) => Promise<T>;
  /** What `apply` takes to make it; absent where it takes none, or where the hub does not tell all of it. */
  readonly manifestOf?: (item: T) => object;
  /** Noun of the live feed that says when it changed; absent where there is none. */
  readonly live?: string;
}

/** Labels as `a=b,c=d`. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

/** An object as the manifest that makes it. */
export function asManifest(
  kind: Manifest['kind'],
  { name, project, labels, spec }: { name: string; project: string; labels: Record<string, string>; spec: object },
): object {
  return { kind, name, project, ...(Object.keys(labels).length > 0 && { labels }), spec };
}
