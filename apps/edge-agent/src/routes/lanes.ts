/** How the lanes of a route are called in the outboxes of a node. */
const MESSAGES = 'routes/';
const UNPROCESSED = 'failed/';

/** Lane of what a route has taken. */
export function laneOf(uid: string): string {
  return MESSAGES + uid;
}

/** Lane of what a route took and could not process: as it came. */
export function unprocessedLaneOf(uid: string): string {
  return UNPROCESSED + uid;
}

/** The route that a lane belongs to; undefined when it belongs to none. */
export function uidOf(lane: string): string | undefined {
  if (lane.startsWith(MESSAGES)) return lane.slice(MESSAGES.length);
  return isUnprocessed(lane) ? lane.slice(UNPROCESSED.length) : undefined;
}

export function isUnprocessed(lane: string): boolean {
  return lane.startsWith(UNPROCESSED);
}
