import type { Logger } from 'pino';
import { RECORD, type Records } from './keeper.js';
import { fromRecord } from './stored-device.js';
import type { BoundDevice } from './twin-node.js';

/** Whose devices the records are. */
const OWNER = 'twins/owner';

/** Records by the beginning of their key. */
export interface Loadable {
  read(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
}

export interface Loaded {
  readonly found: readonly BoundDevice[];
  /** Ids whose record cannot be read. */
  readonly damaged: readonly string[];
}

/** The devices on the disk. A damaged one is left out, and logged; those of another node, or of another hub's, are forgotten. */
export async function loadDevices(
  journal: Records & Loadable,
  { owner, log }: { owner: string; log: Pick<Logger, 'warn' | 'error'> },
): Promise<Loaded> {
  const before = await firstOf(journal.read(OWNER));
  const found: BoundDevice[] = [];
  const damaged: string[] = [];
  for await (const [key, value] of journal.read(RECORD)) {
    const id = key.slice(RECORD.length);
    const device = fromRecord(id, value);
    if (device) found.push(device);
    else damaged.push(id);
  }
  for (const device of damaged) log.error({ device }, 'the record of a device is damaged: its twin starts anew');
  if (before === owner) return { found, damaged };
  const foreign = [...found.map(({ id }) => id), ...damaged];
  if (foreign.length > 0) log.warn({ before, owner }, 'the node is another now: forgot its old devices');
  // The journal writes them together, tries again by itself, and at the next start it is seen again if it did not.
  const written = [...foreign.map((id) => journal.delete(`${RECORD}${id}`)), journal.put(OWNER, Buffer.from(owner))];
  Promise.all(written).catch((error: unknown) => {
    log.warn({ err: error }, 'whose devices these are was not stored yet');
  });
  return { found: [], damaged: [] };
}

async function firstOf(records: AsyncIterable<readonly [string, Uint8Array]>): Promise<string | undefined> {
  for await (const [, value] of records) return Buffer.from(value).toString('utf8');
  return undefined;
}
