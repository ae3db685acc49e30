import { nodeFacts } from '@selvage/protocol';
import { tempDir } from '@selvage/testkit';
import { toSection } from '@selvage/wire';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { type Database, openDatabase, Settings, Settings1700000000000 } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { InboundRegistry } from './inbound.js';
import { InboundWriter } from './inbound-writer.js';
import { NodeSession } from './node-session.js';
import { ReportedHash } from './reported.entity.js';
import { Reported1700000001500 } from './reported.migration.js';
import { ReportedHashes } from './reported-hashes.service.js';
import { Sessions } from './sessions.js';

function sessionOf(node: string): NodeSession {
  const said = { agent: '1', boot: 'b', stored: { position: null, hashes: {} }, reported: {} };
  const moment = { now: 0, monotonic: 0 };
  return new NodeSession({} as WebSocket, { ref: { project: 'default', node }, serial: '1', ...said, ...moment });
}

describe('a report that is not understood', () => {
  it('is told of in the log in one short line for each node, however often it comes', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const registry = new InboundRegistry();
    registry.add({ section: 'facts', schema: nodeFacts, apply: () => Promise.resolve() });
    const writer = new InboundWriter({} as Database, registry, {} as ReportedHashes, new Sessions(), log);
    const [a, b] = [sessionOf('a'), sessionOf('b')];
    const wrong = toSection('facts', { hostname: 'x'.repeat(100_000) });
    for (const session of [a, a, b, a]) writer.take(session, wrong);
    await writer.stop();
    expect(lines.map((line) => (JSON.parse(line) as { node: string }).node)).toEqual(['default/a', 'default/b']);
    expect(lines[0]).toContain('hostname');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(1_000);
    expect(a.reported).toEqual({ facts: wrong.hash });
  });
});

describe.each(DIALECTS)('reports of many nodes, on %s,', (dialect) => {
  const databases = testDatabases(dialect);
  const folder = tempDir();
  const schema = { entities: [Settings, ReportedHash], migrations: [Settings1700000000000, Reported1700000001500] };
  let db: Database;

  beforeAll(async () => {
    db = openDatabase({ folder: folder.path, url: await databases.fresh() }, schema);
    await db.start('epoch');
    await db.write((tx) => tx.query('CREATE TABLE heard (node TEXT, text TEXT)'));
  });
  afterAll(async () => {
    await db.stop();
    folder.remove();
  });

  it('are written, but for the one that cannot be, which is asked for again', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const registry = new InboundRegistry();
    const committed: string[] = [];
    registry.add({
      section: 'text',
      schema: z.string(),
      apply: async (tx, reports) => {
        for (const { ref, value } of reports) {
          if (value === 'poison') throw new Error('no database takes it');
          await tx.query('INSERT INTO heard (node, text) VALUES ($1, $2)', [ref.node, value]);
        }
      },
      committed: (reports) => {
        committed.push(...reports.map(({ ref }) => ref.node));
        if (committed.length > 3) throw new Error('of whoever is told');
      },
    });
    const sessions = new Sessions();
    const hashes = new ReportedHashes(db);
    const writer = new InboundWriter(db, registry, hashes, sessions, log);
    const nodes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(sessionOf);
    for (const session of nodes) {
      sessions.add(session);
      writer.take(session, toSection('text', session.ref.node === 'c' ? 'poison' : `of ${session.ref.node}`));
    }
    await writer.stop();
    const rows = await db.read.query<{ text: string }[]>('SELECT text FROM heard');
    expect(rows.map(({ text }) => text)).toEqual(['of a', 'of b', 'of d', 'of e', 'of f', 'of g']);
    expect(committed).toEqual(['a', 'b', 'd', 'e', 'f', 'g']);
    expect(nodes.filter(({ reported }) => reported.text === undefined).map(({ key }) => key)).toEqual(['default/c']);
    const noted = await Promise.all(nodes.map(({ ref }) => hashes.of(ref)));
    expect(noted.map(({ text }) => text !== undefined)).toEqual([true, true, false, true, true, true, true]);
    expect(lines.filter((line) => line.includes('default/c'))).toHaveLength(1);
  });
});
