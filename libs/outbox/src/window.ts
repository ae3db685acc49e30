/** How many bytes may be on their way at once; see `nextWindow`. */
export interface WindowBounds {
  readonly start: number;
  readonly least: number;
  readonly most: number;
}

/** A batch of so many bytes was settled after so long, in milliseconds; `bestMs` is the quickest one of this transport so far. */
export interface Landing {
  readonly bytes: number;
  readonly tookMs: number;
  readonly bestMs: number;
}

/** So much slower than the best is no sign of a queue. */
const QUICK_MS = 50;
/** So much slower means that a queue stands before the next hop, and what is new would have to stand in it too. */
const QUEUED_MS = 100;
/** A batch that takes so long keeps the link's other traffic waiting, even when none was ever quicker. */
const SLOW_MS = 5_000;

/** The window after a landing: it doubles with each round trip while the next hop keeps up, and shrinks when a queue builds up. */
export function nextWindow(window: number, { bytes, tookMs, bestMs }: Landing, { least, most }: WindowBounds): number {
  if (tookMs > SLOW_MS || tookMs > bestMs + QUEUED_MS) return Math.max(least, window - Math.ceil(bytes / 2));
  return tookMs <= bestMs + QUICK_MS ? Math.min(most, window + bytes) : window;
}
