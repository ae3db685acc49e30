import { join } from 'node:path';
import { DEFAULT_LANE, DEFAULT_TOTAL, Outbox } from '@selvage/outbox';
import type { TwinChange } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { MAX_MESSAGE } from './link/index.js';
import { SqliteOutboxStore } from './state/index.js';

/** Lane of what changed in twins: the hub keeps its history from it. */
const TWINS = 'twins';

/** What this node has to say and the hub has not stored yet, in `outbox.db` of the data folder. */
export function createOutbox({ folder, clock, log }: { folder: string; clock: Clock; log: Logger }): Outbox {
  return new Outbox({
    store: new SqliteOutboxStore({ path: join(folder, 'outbox.db'), clock, log }),
    clock,
    rules: () => DEFAULT_LANE,
    total: DEFAULT_TOTAL,
    maxMessage: MAX_MESSAGE,
    trouble: (error) => {
      log.error({ err: error }, 'the outbox could not be written; it is tried again');
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
