import type { Position, Section } from '@selvage/protocol';
import { FakeClock, until } from '@selvage/testkit';
import { toSection } from '@selvage/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CallRegistry } from './calls.js';
import { Link } from './link.js';
import { TestHub } from './test-hub.js';

/** Desired state in memory. */
class Shelf {
  position: Position | null = null;
  sections = new Map<string, Section>();
  full = false;

  hashes(): Record<string, string> {
    return Object.fromEntries([...this.sections].map(([name, { hash }]) => [name, hash]));
  }
  apply(position: Position, sections: readonly Section[], gone: readonly string[]): Promise<void> {
    if (this.full) return Promise.reject(new Error('no space left on device'));
    this.position = position;
    for (const section of sections) this.sections.set(section.name, section);
    for (const name of gone) this.sections.delete(name);
    return Promise.resolve();
  }
}

describe('the link of a node', () => {
  const hub = new TestHub();
  let clock: FakeClock;
  let desired: Shelf;
  let calls: CallRegistry;
  let link: Link;
  let reports: Map<string, Section>;
  let changed: (name: string) => void;
  const warnings: string[] = [];

  beforeEach(async () => {
    await hub.start();
    clock = new FakeClock();
    desired = new Shelf();
    calls = new CallRegistry();
    reports = new Map([['facts', toSection('facts', { cpus: 1 })]]);
    const none = (): void => undefined;
    link = new Link({
      hubUrl: hub.url,
      identity: () => hub.identity,
      agentVersion: '1',
      boot: 'boot-1',
      desired,
      reported: {
        hashes: () => Object.fromEntries([...reports].map(([name, { hash }]) => [name, hash])),
        get: (name) => reports.get(name),
        onChange: (listener) => (changed = listener),
      },
      calls,
      clock,
      random: () => 0.5,
      log: { debug: none, info: none, warn: (_about: unknown, line = '') => void warnings.push(line), error: none },
    });
    link.start();
    await hub.hear('hello');
  });
  afterEach(async () => {
    await link.stop();
    await hub.stop();
    hub.heard.length = 0;
    warnings.length = 0;
  });

  const connected = async (held: Record<string, string> = {}): Promise<void> => {
    hub.welcome(held);
    await until(() => link.status.state === 'connected');
  };

  it('sends the sections that the hub does not have, and no others', async () => {
    reports.set('apps', toSection('apps', { instances: [] }));
    await connected({ facts: reports.get('facts')?.hash ?? '' });
    expect((await hub.hear('report')).section.name).toBe('apps');
    expect(hub.heard.filter(({ t }) => t === 'report')).toEqual([]);
  });

  it('sends a section that changes at once, then its latest state at a pace', async () => {
    await connected();
    await hub.hear('report');
    for (const cpus of [2, 3, 4]) {
      reports.set('facts', toSection('facts', { cpus }));
      changed('facts');
    }
    await clock.advance(200);
    expect((await hub.hear('report')).section.hash).toBe(toSection('facts', { cpus: 4 }).hash);
    expect(hub.heard).toEqual([]);
  });

  it('confirms a desired state when it is on the disk, and not when it could not be stored', async () => {
    await connected();
    const section = toSection('apps', { apps: [] });
    hub.send({ t: 'desired', position: { epoch: 'e', revision: 7 }, sections: [section], gone: [] });
    expect(await hub.hear('stored')).toMatchObject({ position: { revision: 7 }, desired: { apps: section.hash } });
    desired.full = true;
    hub.send({ t: 'desired', position: { epoch: 'e', revision: 8 }, sections: [], gone: ['apps'] });
    hub.send({ t: 'call', id: 1, method: 'none', params: {}, credit: 0 });
    expect(await hub.hear('fail')).toMatchObject({ id: 1, code: 'not_found' });
    expect(hub.heard.some(({ t }) => t === 'stored')).toBe(false);
  });

  it('sends everything again when the hub asks', async () => {
    await connected();
    await hub.hear('report');
    await clock.advance(900);
    await hub.hear('heartbeat');
    hub.send({ t: 'beat', reread: true });
    await clock.advance(200);
    expect((await hub.hear('report')).section.name).toBe('facts');
  });

  it('ends a connection on which the hub has gone silent, and dials again', async () => {
    await connected();
    await clock.advance(900);
    await hub.hear('heartbeat');
    await clock.advance(1800);
    await until(() => link.status.state === 'connecting');
    expect(link.status.reason).toContain('silent');
    await clock.advance(500);
    await hub.hear('hello');
    expect(hub.connections).toBe(2);
  });

  it('comes back after the connection broke, with what it has', async () => {
    await connected();
    hub.send({ t: 'desired', position: { epoch: 'e', revision: 3 }, sections: [], gone: [] });
    await hub.hear('stored');
    hub.cut();
    await until(() => link.status.state === 'connecting');
    await clock.advance(15_000);
    expect(await hub.hear('hello')).toMatchObject({ stored: { epoch: 'e', revision: 3 }, boot: 'boot-1' });
  });

  it('says why it was refused and asks again later', async () => {
    hub.send({ t: 'refused', code: 'node_disabled', detail: 'An operator disabled it.' });
    hub.cut();
    await until(() => link.status.state === 'refused');
    expect(link.status.reason).toContain('An operator disabled it.');
    expect(warnings).toEqual(['the hub refused this node']);
    await clock.advance(60_000);
    await hub.hear('hello');
  });

  it('answers a call no faster than the hub gives credit', async () => {
    let written = 0;
    calls.register('count', z.object({ chunks: z.int() }), async ({ chunks }, sink) => {
      for (; written < chunks; written += 1) await sink.write(Buffer.alloc(100, written));
    });
    await connected();
    hub.send({ t: 'call', id: 5, method: 'count', params: { chunks: 4 }, credit: 250 });
    const first = [await hub.hear('data'), await hub.hear('data'), await hub.hear('data')];
    expect(first.map(({ chunk }) => chunk.byteLength)).toEqual([100, 100, 50]);
    expect(written).toBe(2);
    hub.send({ t: 'credit', id: 5, bytes: 1000 });
    await hub.hear('end');
    expect(written).toBe(4);
  });

  it('ends a call that is cancelled, or whose connection broke', async () => {
    const ended: string[] = [];
    calls.register('wait', z.object({ name: z.string() }), async ({ name }, _sink, signal) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      ended.push(name);
    });
    await connected();
    hub.send({ t: 'call', id: 1, method: 'wait', params: { name: 'one' }, credit: 0 });
    hub.send({ t: 'call', id: 2, method: 'wait', params: { name: 'two' }, credit: 0 });
    hub.send({ t: 'cancel', id: 1 });
    await until(() => ended.length === 1);
    hub.cut();
    await until(() => ended.length === 2);
    expect(ended).toEqual(['one', 'two']);
    expect(hub.heard.some(({ t }) => t === 'end' || t === 'fail')).toBe(false);
  });
});
