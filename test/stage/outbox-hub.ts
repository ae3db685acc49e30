/** The hub's floor for messages on its real database as a program: `node … FOLDER`. Whoever started it carries its frames. */
import { z } from 'zod';
import { openDatabase, Settings, Settings1700000000000 } from '../../apps/cloud/src/db/index.js';
import { MessagePosition } from '../../apps/cloud/src/link/messages.entity.js';
import type { MessageSource } from '../../apps/cloud/src/link/messages-intake.js';
import { Messages1700000001600, MessagesTouched1700000001700 } from '../../apps/cloud/src/link/messages.migration.js';
import { MessagePositions } from '../../apps/cloud/src/link/messages-positions.service.js';
import { MessageWriter } from '../../apps/cloud/src/link/messages-writer.js';
import { MessageRegistry } from '../../apps/cloud/src/link/messages.js';
import { createLog } from '../../apps/cloud/src/log/index.js';
import type { FromHub, ToHub } from './outbox-words.js';

const [folder = ''] = process.argv.slice(2);
const say = (word: FromHub): void => {
  process.send?.(word);
};

const migrations = [Settings1700000000000, Messages1700000001600, MessagesTouched1700000001700];
const schema = { entities: [Settings, MessagePosition], migrations };
const db = openDatabase({ folder, url: undefined }, schema);
await db.start('epoch');
await db.write((tx) => tx.query('CREATE TABLE IF NOT EXISTS delivered (id INTEGER PRIMARY KEY, key TEXT, n INTEGER)'));
const registry = new MessageRegistry();
for (const lane of ['data', 'alarms'])
  registry.addJson({
    lane,
    schema: z.object({ key: z.string(), n: z.number() }),
    apply: async (tx, messages) => {
      const rows = JSON.stringify(messages.map(({ value }) => [value.key, value.n]));
      const insert = `INSERT INTO delivered (key, n) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')`;
      await tx.query(`${insert} FROM json_each(?)`, [rows]);
    },
  });
const writer = new MessageWriter(db, registry, new MessagePositions(db), createLog('error'));
const flow = { pause: (): void => undefined, resume: (): void => undefined };
const links = new Map<number, MessageSource>();

function sourceOf(link: number): MessageSource {
  const ref = { project: 'default', node: 'n' };
  const made: MessageSource = {
    ref,
    key: 'default/n',
    send: (frame) => {
      say({ is: 'frame', link, frame });
    },
  };
  const source = links.get(link) ?? made;
  links.set(link, source);
  return source;
}

process.on('message', (word: ToHub) => {
  if (word.is === 'frame') writer.take(sourceOf(word.link), flow, word.frame);
  else if (word.is === 'cut') writer.forget(sourceOf(word.link));
  else
    void db.read.query('SELECT key, n FROM delivered ORDER BY id').then((found: unknown) => {
      say({ is: 'rows', rows: z.array(z.object({ key: z.string(), n: z.number() })).parse(found) });
    });
});
process.on('disconnect', () => process.exit());
say({ is: 'up' });
