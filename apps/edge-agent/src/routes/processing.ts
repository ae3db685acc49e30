import type { DesiredRoute } from '@selvage/protocol';
import { readFilter, readTransform, type Seen } from '@selvage/routes';

/** What a route makes of a message; undefined: its filter leaves it out. */
export interface Processed {
  readonly payload: Uint8Array;
  readonly contentType?: string;
}

/** @throws EdgeError when filter or transform cannot make anything of the message. */
export type Process = (seen: Seen) => Processed | undefined;

/** Reads the expressions of a route. What this agent cannot read fails for each message, with the same words. */
export function processing({ filter, transform }: Pick<DesiredRoute, 'filter' | 'transform'>): Process {
  try {
    const passes = filter === undefined ? undefined : readFilter(filter);
    const change = transform === undefined ? undefined : readTransform(transform);
    return (seen) => {
      if (passes?.(seen) === false) return undefined;
      return change === undefined ? seen : { payload: change(seen), contentType: 'application/json' };
    };
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
