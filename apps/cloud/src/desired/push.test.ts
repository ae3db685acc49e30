import type { DownFrame } from '@selvage/protocol';
import { Reconciler } from '@selvage/reconcile';
import { FakeClock, settled } from '@selvage/testkit';
import { toSection } from '@selvage/wire';
import { describe, expect, it } from 'vitest';
import type { Session } from '../link/index.js';
import type { Compiled } from './compiler.js';
import { plan, Push } from './push.js';

function compiled(revision: number, values: Record<string, unknown>): Compiled {
  const sections = Object.entries(values).map(([name, value]) => toSection(name, value));
  const hashes = Object.fromEntries(sections.map(({ name, hash }) => [name, hash]));
  return { position: { epoch: 'e', revision }, sections, hashes };
}

describe('what a node is sent', () => {
  const wanted = compiled(5, { apps: [1], node: { enabled: true } });

  it.each([
    ['nothing, when it has everything', wanted.hashes, []],
    ['everything, when it has nothing', {}, ['apps', 'node']],
    ['what differs', { ...wanted.hashes, apps: 'old' }, ['apps']],
  ])('is %s', (_what, there, differ) => {
    expect(plan(wanted, there).flatMap((step) => step.differ)).toEqual(differ);
  });

  it('names the sections that are no longer wanted', () => {
    expect(plan(wanted, { ...wanted.hashes, secrets: 'x' })).toMatchObject([{ differ: [], gone: ['secrets'] }]);
  });

  it('has a key that changes with the versions and not with the revision', () => {
    const [a, b, c] = [wanted, compiled(6, { apps: [1], node: { enabled: true } }), compiled(7, { apps: [2] })];
    const keys = [a, b, c].map((one) => plan(one, {})[0]?.key);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).not.toBe(keys[2]);
  });
});

describe('the loop of one node', () => {
  const clock = new FakeClock();
  const sent: DownFrame[] = [];
  let stored: Session['stored'] = { position: null, hashes: {} };
  let wanted = compiled(1, { apps: ['a'] });
  const session: Session = {
    ref: { project: 'default', node: 'n' },
    serial: '1',
    agent: '1',
    openedAt: 0,
    heardAt: 0,
    get stored() {
      return stored;
    },
    send: (frame) => void sent.push(frame),
  };
  let compilations = 0;
  const push = new Push(
    session,
    () => {
      compilations += 1;
      return Promise.resolve(wanted);
    },
    clock,
  );
  const loop = new Reconciler(push, {
    clock,
    random: () => 1,
    backoff: { baseMs: 1_000, capMs: 60_000 },
    concurrency: 1,
    observeTimeoutMs: 1_000,
    stepTimeoutMs: 10_000,
  });
  const confirm = async (given: Compiled): Promise<void> => {
    stored = { position: given.position, hashes: given.hashes };
    push.stored();
    loop.poke();
    await settled();
  };

  it('sends what the node lacks and is done when the node has it', async () => {
    loop.start();
    await settled();
    expect(sent).toHaveLength(1);
    await confirm(wanted);
    await clock.advance(120_000);
    expect(sent).toHaveLength(1);
    expect(push.revision).toBe(1);
  });

  it('sends again, later, what the node did not confirm', async () => {
    wanted = compiled(2, { apps: ['b'] });
    push.changed();
    loop.poke();
    await settled();
    expect(sent).toHaveLength(2);
    await clock.advance(10_000 + 1_000);
    expect(sent).toHaveLength(3);
  });

  it('sends a newer state at once, though the one before was never confirmed', async () => {
    wanted = compiled(3, { apps: ['c'] });
    push.changed();
    loop.poke();
    await settled();
    expect(sent).toHaveLength(4);
    await confirm(wanted);
    expect(sent).toHaveLength(4);
  });

  it('compiles nothing for a node that has just confirmed what was compiled last', async () => {
    const before = compilations;
    loop.poke();
    await settled();
    expect(compilations).toBe(before);
    push.changed();
    loop.poke();
    await settled();
    expect(compilations).toBe(before + 1);
    await loop.stop();
  });
});

describe('changes in a row', () => {
  const clock = new FakeClock();
  const session: Session = {
    ...{ ref: { project: 'default', node: 'n' }, serial: '1', agent: '1', openedAt: 0, heardAt: 0 },
    stored: { position: null, hashes: {} },
    send: () => undefined,
  };
  let compilations = 0;
  const compile = async (): Promise<Compiled> => {
    compilations += 1;
    await clock.advance(100);
    return compiled(compilations, { devices: [compilations] });
  };
  const push = new Push(session, compile, clock);
  const { signal } = new AbortController();

  it('are put together at once when there was none before, and then with a rest as long as the work, twice', async () => {
    await push.desired(signal);
    expect(compilations).toBe(1);
    for (let change = 0; change < 5; change += 1) push.changed();
    const next = push.desired(signal);
    await clock.advance(199);
    expect(compilations).toBe(1);
    await clock.advance(1);
    await next;
    expect(compilations).toBe(2);
  });

  it('are not put together for a loop that ends', async () => {
    const ending = new AbortController();
    push.changed();
    const next = push.desired(ending.signal);
    ending.abort(new Error('stopped'));
    await expect(next).rejects.toThrow('stopped');
    expect(compilations).toBe(2);
  });
});
