import type { DropLedger } from './drops.js';
import type { Lane, Lanes } from './lanes.js';
import type { Queued, Taken } from './message.js';
import type { Limits, OutboxStore } from './store.js';
import type { Timeline } from './timeline.js';

export interface SelectionPorts {
  readonly store: Pick<OutboxStore, 'read'>;
  readonly lanes: Lanes;
  readonly drops: DropLedger;
  readonly timeline: Pick<Timeline, 'now'>;
}

/** What may still be taken in one go. */
interface Room {
  messages: number;
  bytes: number;
}

/** Chooses what goes next: lanes of a higher priority first, lanes of one priority share, within a lane the oldest first. */
export class Selection {
  constructor(private readonly ports: SelectionPorts) {}

  async take(limits: Limits, only?: string): Promise<Taken[]> {
    const room: Room = { ...limits };
    const taken: Taken[] = [];
    const { lanes: known } = this.ports;
    const among = only === undefined ? known.all : [known.of(only)];
    for (const lanes of byPriority(among.filter(({ ready }) => ready > 0))) {
      // First a share for each, so that a lane with little to say does not stand behind one with a backlog; then who has more.
      const share = { messages: part(room.messages, lanes.length), bytes: part(room.bytes, lanes.length) };
      if (lanes.length > 1) for (const lane of lanes) await this.#from(lane, share, { room, taken });
      for (const lane of lanes) await this.#from(lane, room, { room, taken });
    }
    return taken;
  }

  async #from(lane: Lane, share: Limits, { room, taken }: { room: Room; taken: Taken[] }): Promise<void> {
    const own: Room = { ...share };
    while (lane.ready > 0 && own.messages > 0 && own.bytes > 0 && room.messages > 0 && room.bytes > 0) {
      const limits = { messages: Math.min(own.messages, room.messages), bytes: Math.min(own.bytes, room.bytes) };
      const found = await this.ports.store.read(lane.name, lane.cursor, limits);
      if (found.length === 0) return;
      for (const message of found) {
        if (taken.length > 0 && message.size > room.bytes) return;
        const one = this.#one(lane, message);
        if (one === undefined) continue;
        taken.push(one);
        for (const left of [own, room]) {
          left.messages -= 1;
          left.bytes -= one.size;
        }
      }
    }
  }

  /** Takes a message unless it is of no use any more. */
  #one(lane: Lane, { born, expires, ...message }: Queued): Taken | undefined {
    const { lanes, drops, timeline } = this.ports;
    lane.cursor = message.seq;
    if (lanes.isLeaving(message.seq)) return undefined;
    const ttlMs = expires === undefined ? undefined : expires - timeline.now();
    if (ttlMs !== undefined && ttlMs <= 0) {
      lanes.leave({ ...message, born });
      drops.count('expired', message);
      return undefined;
    }
    lanes.take({ ...message, born });
    return ttlMs === undefined ? message : { ...message, ttlMs };
  }
}

/** Groups of equal priority, the highest first. */
function byPriority(lanes: readonly Lane[]): Lane[][] {
  const groups = new Map<number, Lane[]>();
  for (const lane of lanes) groups.set(lane.rules.priority, [...(groups.get(lane.rules.priority) ?? []), lane]);
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}

function part(whole: number, among: number): number {
  return Math.max(1, Math.floor(whole / among));
}
