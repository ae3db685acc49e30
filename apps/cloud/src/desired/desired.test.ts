import { EdgeError, type DownFrame } from '@selvage/protocol';
import { settled, until } from '@selvage/testkit';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Database } from '../db/index.js';
import type { Session, SessionListener } from '../link/index.js';
import { Desired } from './desired.js';

/** A hub whose database stands at revision 10 of epoch `e`, and what it sends to nodes. */
function stage(): { comes: (stored: Session['stored']) => DownFrame[]; listener: () => SessionListener } {
  const listeners: SessionListener[] = [];
  const compiled = { position: { epoch: 'e', revision: 10 }, sections: [], hashes: { apps: 'wanted' } };
  const compiler = { compile: () => Promise.resolve(compiled) };
  const listen = (one: SessionListener): void => void listeners.push(one);
  const sessions = { all: [], find: () => undefined, listen };
  const desired = new Desired({ epoch: 'e' } as Database, sessions, compiler, pino({ level: 'silent' }));
  desired.onModuleInit();
  const listener = (): SessionListener => {
    const [first] = listeners;
    if (first === undefined) throw new EdgeError('internal', 'nobody listens');
    return first;
  };
  return {
    listener,
    comes: (stored) => {
      const sent: DownFrame[] = [];
      const ref = { project: 'default', node: `n-${stored.position?.revision ?? 0}` };
      const session = { ref, serial: '1', agent: '1', openedAt: 0, heardAt: 0, stored };
      listener().opened?.({ ...session, send: (frame) => void sent.push(frame) });
      return sent;
    },
  };
}

describe('a node that connects', () => {
  it.each([
    ['nothing yet', null, { epoch: 'e', revision: 10 }],
    ['an older revision', { epoch: 'e', revision: 3 }, { epoch: 'e', revision: 10 }],
    ['the revision of another database', { epoch: 'old', revision: 99 }, { epoch: 'e', revision: 10 }],
    ['a newer revision than the database has', { epoch: 'e', revision: 5_000 }, { epoch: 'e', revision: 5_001 }],
  ])('with %s is sent one that it takes', async (_what, position, expected) => {
    const { comes } = stage();
    const sent = comes({ position, hashes: { apps: 'stale' } });
    await until(() => sent.length === 1);
    expect(sent[0]).toMatchObject({ t: 'desired', position: expected });
  });

  it('from whom a huge revision comes changes nothing for the others', async () => {
    const { comes } = stage();
    comes({ position: { epoch: 'e', revision: Number.MAX_SAFE_INTEGER - 1 }, hashes: {} });
    const sent = comes({ position: null, hashes: {} });
    await until(() => sent.length === 1);
    expect(sent[0]).toMatchObject({ position: { revision: 10 } });
  });

  it('with everything that it is to have is sent nothing', async () => {
    const sent = stage().comes({ position: { epoch: 'e', revision: 9 }, hashes: { apps: 'wanted' } });
    await settled();
    expect(sent).toEqual([]);
  });
});
