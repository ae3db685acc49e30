import { type DesiredRoutes, desiredRoutes, toEdgeError } from '@selvage/protocol';
import type { Logger } from 'pino';
import type { DesiredSource } from './options.js';

const NOTHING: DesiredRoutes = { routes: [], services: [] };

/** What the hub wants; undefined while that is not known: then everything stays as it is. */
export function readWanted(desired: DesiredSource, log?: Pick<Logger, 'error'>): DesiredRoutes | undefined {
  if (desired.position === null) return undefined;
  try {
    return desired.read('routes', desiredRoutes) ?? NOTHING;
  } catch (error) {
    log?.error({ err: toEdgeError(error) }, 'what the hub wants of the routes could not be read');
    return undefined;
  }
}
