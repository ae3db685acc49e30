/** What the disk can do without a broker, as a program: it is told what to try, in a folder of its own. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_LANE, Outbox } from '@selvage/outbox';
import { systemClock } from '@selvage/reconcile';
import { createLog } from '../../../apps/edge-agent/src/log.js';
import { Journal, SqliteOutboxStore } from '../../../apps/edge-agent/src/state/index.js';

interface Try {
  readonly do: 'journal' | 'outbox' | 'fdatasync';
  readonly seconds: number;
  /** Records that wait at once. */
  readonly open: number;
  readonly bytes: number;
}

const [folder = ''] = process.argv.slice(2);
const PAGE = 4096;

process.on('message', (wanted: Try) => {
  run(wanted).then(
    (perSecond) => process.send?.({ perSecond }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ is: 'up' });

function run(wanted: Try): Promise<number> {
  if (wanted.do === 'fdatasync') return Promise.resolve(fdatasyncs(wanted));
  return wanted.do === 'journal' ? journal(wanted) : appends(wanted);
}

/** Records that a journal commits in a second, each of them new. */
async function journal({ seconds, open, bytes }: Try): Promise<number> {
  const path = join(folder, `journal-${open}-${bytes}.db`);
  const records = new Journal({ path, clock: systemClock, log: createLog('error') });
  await records.start();
  const value = Buffer.alloc(bytes, 'x');
  const stored = await sideBySide({ seconds, open }, (name, n) => records.put(`${name}/${n}`, value));
  await records.stop();
  return stored;
}

/** Messages that an outbox commits in a second. */
async function appends({ seconds, open, bytes }: Try): Promise<number> {
  const store = new SqliteOutboxStore({ path: join(folder, 'outbox.db'), clock: systemClock, log: createLog('error') });
  const rules = { ...DEFAULT_LANE, maxBytes: 1e10 };
  const outbox = new Outbox({
    ...{ store, clock: systemClock, rules: () => rules, maxMessage: bytes * 2 },
    total: { maxBytes: 1e10, whenFull: 'refuse' },
  });
  await outbox.start();
  const body = Buffer.alloc(bytes, 'x');
  return sideBySide({ seconds, open }, (name) => outbox.append({ lane: 'ingest', key: `ingest/${name}`, body }));
}

async function sideBySide(
  { seconds, open }: Pick<Try, 'seconds' | 'open'>,
  store: (name: number, n: number) => Promise<void>,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let stored = 0;
  const one = async (name: number): Promise<void> => {
    for (let n = 0; performance.now() < end; n += 1, stored += 1) await store(name, n);
  };
  await Promise.all(Array.from({ length: open }, (_, index) => one(index)));
  return stored / seconds;
}

/** Pages that are appended and synced in a second, one after the other. */
function fdatasyncs({ seconds }: Try): number {
  const file = openSync(join(folder, 'pages'), 'w');
  const page = Buffer.alloc(PAGE, 'x');
  const end = performance.now() + seconds * 1000;
  let synced = 0;
  for (; performance.now() < end; synced += 1) {
    writeSync(file, page, 0, PAGE, synced * PAGE);
    fdatasyncSync(file);
  }
  closeSync(file);
  return synced / seconds;
}
