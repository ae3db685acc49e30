import { nodeFacts } from '@selvage/protocol';
import { toSection } from '@selvage/wire';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { Database } from '../db/index.js';
import { InboundRegistry } from './inbound.js';
import { InboundWriter } from './inbound-writer.js';
import { NodeSession } from './node-session.js';
import type { ReportedHashes } from './reported-hashes.service.js';
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
