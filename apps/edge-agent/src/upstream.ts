import { join } from 'node:path';
import { DEFAULT_TOTAL, type LaneRules, Outbox } from '@selvage/outbox';
import type { TwinChange } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { MAX_MESSAGE } from './link/index.js';
import { SqliteOutboxStore } from './state/index.js';

/** Lane of what changed in twins: the hub keeps its history from it. */
const TWINS = 'twins';

interface OutboxPorts {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a lane may hold. */
  readonly rules: (lane: string) => LaneRules;
}

/** What this node has to say and the hub has not stored yet, in `outbox.db` of the data folder. */
export function createOutbox(ports: OutboxPorts): Outbox {
  return outboxIn('outbox.db', ports);
}

/** What routes carry from this node to this node, in `routes.db`. */
export function createLocalOutbox(ports: OutboxPorts): Outbox {
  return outboxIn('routes.db', ports);
}

function outboxIn(file: string, { folder, clock, log, rules }: OutboxPorts): Outbox {
  return new Outbox({
    store: new SqliteOutboxStore({ path: join(folder, file), clock, log }),
    ...{ clock, rules },
    total: DEFAULT_TOTAL,
    maxMessage: MAX_MESSAGE,
    trouble: (error) => {
      log.error({ err: error, file }, 'the outbox could not be written; it is tried again');
    },
  });
}

/** Puts changes of twins into the outbox; resolves when they are on the disk. */
export function twinEvents(outbox: Pick<Outbox, 'append'>): {
  append(changes: readonly TwinChange[]): Promise<void>;
} {
  return {
    append: (changes) => outbox.append({ lane: TWINS, body: Buffer.from(JSON.stringify({ changes }), 'utf8') }),
  };
}
