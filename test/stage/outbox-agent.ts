/**
 * An outbox on the disk and its link as a program: `node … FOLDER ROUND`. It appends without end and says of each message when it is
 * stored; whoever started it carries its frames.
 */
import { join } from 'node:path';
import { DEFAULT_LANE, Outbox } from '@selvage/outbox';
import { frames } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { MessageLink } from '../../apps/edge-agent/src/link/messages.js';
import { SqliteOutboxStore } from '../../apps/edge-agent/src/state/outbox-store.js';
import { KEYS, ROUND, type ToAgent, type FromAgent } from './outbox-words.js';

const [folder = '', round = ''] = process.argv.slice(2);
const clock = systemClock;
const say = (word: FromAgent): void => {
  process.send?.(word);
};
const log = {
  error: (about: unknown, text?: string): void => void process.stderr.write(`${text}: ${String(about)}\n`),
};

const outbox = new Outbox({
  ...{ store: new SqliteOutboxStore({ path: join(folder, 'outbox.db'), clock, log }), clock },
  ...{ maxMessage: frames.MAX_MESSAGE, total: { maxBytes: 1e9, whenFull: 'refuse' } },
  rules: (lane) => ({ ...DEFAULT_LANE, maxBytes: 1e9, whenFull: 'refuse', priority: lane === 'alarms' ? 1 : 0 }),
});
const link = new MessageLink({ outbox, clock });
let appending = true;
/** Messages that are being written: no lane counts them yet. */
let underWay = 0;

async function append(key: string): Promise<void> {
  for (let n = Number(round) * ROUND; appending; n += 1) {
    const body = Buffer.from(JSON.stringify({ key, n, fill: 'x'.repeat(n % 300) }));
    underWay += 1;
    await outbox.append({ lane: key === 'k0' ? 'alarms' : 'data', key, body });
    say({ is: 'stored', key, n });
    underWay -= 1;
  }
}

process.on('message', (word: ToAgent) => {
  switch (word.is) {
    case 'connect':
      link.open((frame) => {
        if (frame.t === 'messages') say({ is: 'frame', link: word.link, frame });
      });
      return;
    case 'cut':
      link.close();
      return;
    case 'frame':
      link.take(word.frame);
      return;
    case 'enough':
      appending = false;
      return;
    case 'status':
      say({
        is: 'left',
        count: outbox.lanes.reduce((sum, { count }) => sum + count, underWay),
        drops: outbox.drops.length,
      });
  }
});
process.on('disconnect', () => process.exit());

await outbox.start();
say({ is: 'up' });
await Promise.all(KEYS.map((key) => append(key)));
