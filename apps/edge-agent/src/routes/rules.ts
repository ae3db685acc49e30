import { DEFAULT_LANE, type LaneRules } from '@selvage/outbox';
import type { DesiredRoute, DesiredRoutes } from '@selvage/protocol';
import { isUnprocessed, uidOf } from './lanes.js';
import type { DesiredSource } from './options.js';
import { readWanted } from './wanted.js';

const MIB = 1024 * 1024;

/** Nothing is dropped while it is not known what the hub wants. */
const UNKNOWN: LaneRules = { maxBytes: Number.MAX_SAFE_INTEGER, whenFull: 'drop-oldest', priority: 9 };
/** Lane of a route that is no more. */
const GONE: LaneRules = { maxBytes: 0, whenFull: 'drop-oldest', priority: 0 };
/** What could not be processed is looked at soon, and becomes dead letters, which are bounded themselves. */
const UNPROCESSED: LaneRules = { maxBytes: 16 * MIB, whenFull: 'drop-oldest', priority: 0 };
/** Other lanes go with routes of the usual priority: none stands behind the backlog of the other. */
const OTHER: LaneRules = { ...DEFAULT_LANE, priority: 5 };

/** What the lanes of a node's outboxes may hold, as the desired state says it now: also before anything else has read it. */
export class RouteRules {
  #seen: DesiredRoutes | undefined;
  #rules = new Map<string, LaneRules>();

  constructor(private readonly desired: DesiredSource) {}

  /** For the outbox that goes to the hub, which knows what to do with messages of a route that is no more. */
  readonly toHub = (lane: string): LaneRules => this.#of(lane) ?? OTHER;

  /** For the outbox of what stays on the node. */
  readonly local = (lane: string): LaneRules => this.#of(lane) ?? GONE;

  #of(lane: string): LaneRules | undefined {
    const uid = uidOf(lane);
    if (uid === undefined) return undefined;
    const wanted = readWanted(this.desired);
    if (wanted === undefined) return UNKNOWN;
    if (wanted !== this.#seen) {
      this.#seen = wanted;
      this.#rules = new Map(wanted.routes.map((route) => [route.uid, rulesOf(route)]));
    }
    const rules = this.#rules.get(uid);
    return rules !== undefined && isUnprocessed(lane) ? UNPROCESSED : rules;
  }
}

function rulesOf({ budget, priority }: DesiredRoute): LaneRules {
  const { bytes, ageSeconds, whenFull } = budget;
  return { maxBytes: bytes, maxAgeMs: ageSeconds * 1000, whenFull, priority };
}
