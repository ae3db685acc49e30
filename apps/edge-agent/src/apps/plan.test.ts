import { containerSpec } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import { plan } from './plan.js';
import type { Own, Slot, World } from './world.js';

const present = { state: 'present', reference: 'web@sha256:1', arch: 'amd64', os: 'linux' } as const;
const empty: World = { now: 1000, arch: 'amd64', os: 'linux', slots: [], containers: [], purges: [] };

describe('the plan', () => {
  it.each<[string, Partial<World>, string[]]>([
    ['does nothing when nothing is wanted', {}, []],
    ['pulls before anything else', { slots: [slot({ image: { state: 'unresolved' } })] }, ['pull web:1']],
    ['pulls a pinned image that is gone', { slots: [slot({ image: absent() })] }, ['pull web@sha256:1']],
    ['creates', { slots: [slot()] }, ['create web']],
    ['starts what was created', world(slot(), own()), ['start A']],
    ['leaves what runs', world(slot(), own({ phase: 'running' })), []],
    ['continues what was paused', world(slot(), own({ phase: 'paused' })), ['unpause A']],
    ['starts again what ended', world(slot(), own({ phase: 'exited', exits: exits() })), ['start A']],
    ['removes what is dead', world(slot(), own({ phase: 'dead' })), ['remove A']],
    ['waits for what is being removed', world(slot(), own({ phase: 'removing' })), []],
    ['waits while it backs off', world(slot(), own({ phase: 'exited', exits: exits({ dueAt: 2000 }) })), []],
    ['stops an orphan that runs', { containers: [own({ phase: 'running' })] }, ['stop A']],
    ['removes an orphan that stands still', { containers: [own()] }, ['remove A']],
    [
      'keeps the old one up while the new image is fetched',
      world(slot({ image: { state: 'unresolved' } }), old({ phase: 'running' })),
      ['pull web:1'],
    ],
    ['makes the successor beside the old one', world(slot(), old({ phase: 'running' })), ['create web']],
    ['stops the old one before its successor starts', world(slot(), old({ phase: 'running' }), own()), ['stop O']],
    [
      'then starts the successor and removes the old one',
      world(slot(), old({ phase: 'exited' }), own()),
      ['remove O', 'start A'],
    ],
    [
      'keeps one of several that match, the one that runs',
      world(slot(), own(), own({ id: 'B', phase: 'running' })),
      ['remove A'],
    ],
    [
      'keeps the oldest of those that run',
      world(slot(), own({ phase: 'running', createdAt: '2' }), own({ id: 'B', phase: 'running', createdAt: '1' })),
      ['stop A'],
    ],
  ])('%s', (_what, given, steps) => {
    expect(shown(plan({ ...empty, ...given }).steps)).toEqual(steps);
  });

  it.each<[string, string, object, string[]]>([
    ['never', 'exit 0', { exitCode: 0 }, []],
    ['never', 'exit 1', { exitCode: 1 }, []],
    ['on-failure', 'exit 0', { exitCode: 0 }, []],
    ['on-failure', 'exit 1', { exitCode: 1 }, ['start A']],
    ['on-failure', 'a stop by hand', { exitCode: 0, exits: exits({ byHand: true }) }, ['start A']],
    ['always', 'exit 0', { exitCode: 0 }, ['start A']],
  ])('after policy %s and %s', (...[restart, , ended, steps]) => {
    const given = world(slot({ restart }), own({ phase: 'exited', ...ended }));
    expect(shown(plan({ ...empty, ...given }).steps)).toEqual(steps);
  });

  it('says when a container that backs off is due', () => {
    const given = world(slot(), own({ phase: 'exited', exits: exits({ dueAt: 2000 }) }));
    expect(plan({ ...empty, ...given }).wakeAt).toBe(2000);
  });

  it.each<[string, Partial<Slot>, string]>([
    ['an image for another processor', { image: { ...present, arch: 'arm64' } }, 'arch_mismatch'],
    ['an image for another system', { image: { ...present, os: 'windows' } }, 'arch_mismatch'],
    ['a secret that is not there', { image: absent(), secret: { state: 'missing', name: 'x' } }, 'secret_missing'],
  ])('makes nothing of %s and says why', (_what, given, code) => {
    const { steps, obstacles } = plan({ ...empty, ...world({ ...slot(), ...given }, old({ phase: 'running' })) });
    expect(steps).toEqual([]);
    expect(obstacles.get('u1/web')?.code).toBe(code);
  });

  it('runs 32-bit images of the same family', () => {
    const image = { ...present, arch: 'arm' };
    expect(shown(plan({ ...empty, arch: 'arm64', slots: [slot({ image })] }).steps)).toEqual(['create web']);
  });

  it('pulls once for slots that want the same', () => {
    const other = { ...slot({ image: { state: 'unresolved' } }), key: 'u1/two' };
    const { steps } = plan({ ...empty, slots: [slot({ image: { state: 'unresolved' } }), other] });
    expect(steps.map((step) => step.kind === 'pull' && step.slots.length)).toEqual([2]);
  });
});

describe('ports', () => {
  const port = (hostPort: number, hostIp = '') => [{ hostPort, protocol: 'tcp', hostIp }];
  const two = slot({ key: 'u1/two', name: 'two' });
  const second = (given: object): Own => own({ id: 'B', container: 'two', ...given });

  it('that a leaving container holds are waited for', () => {
    const orphan = own({ id: 'X', uid: 'u0', phase: 'running', ports: port(80) });
    const { steps, obstacles } = plan({ ...empty, ...world(slot(), own({ ports: port(80) }), orphan) });
    expect([shown(steps), obstacles.size]).toEqual([['stop X'], 0]);
  });

  it('that a staying container holds keep the old one up, and it is said who holds them', () => {
    const containers = [
      second({ phase: 'running', ports: port(80) }),
      old({ phase: 'running', ports: port(81) }),
      own({ ports: port(80) }),
    ];
    const { steps, obstacles } = plan({ ...empty, slots: [slot(), two], containers });
    expect(steps).toEqual([]);
    expect(obstacles.get('u1/web')).toMatchObject({
      code: 'port_taken',
      detail: expect.stringContaining('"two"') as string,
    });
  });

  it('are swapped: both old ones stop, then both new ones start', () => {
    const olds = [
      old({ phase: 'running', ports: port(80) }),
      old({ id: 'P', container: 'two', phase: 'running', ports: port(81) }),
    ];
    const news = [own({ ports: port(81) }), second({ ports: port(80) })];
    const slots = [slot(), two];
    expect(shown(plan({ ...empty, slots, containers: [...olds, ...news] }).steps)).toEqual(['stop O', 'stop P']);
    const stopped = olds.map((one) => ({ ...one, phase: 'exited' as const }));
    const { steps } = plan({ ...empty, slots, containers: [...stopped, ...news] });
    expect(shown(steps)).toEqual(['remove O', 'start A', 'remove P', 'start B']);
  });

  it('are not freed in a chain whose end cannot move', () => {
    // web waits for the port of two's old container, which waits for the port of an app that stays.
    const stays = own({ id: 'S', container: 'stays', phase: 'running', ports: port(82) });
    const containers = [
      stays,
      old({ phase: 'running', ports: port(80) }),
      own({ ports: port(81) }),
      old({ id: 'P', container: 'two', phase: 'running', ports: port(81) }),
      second({ ports: port(82) }),
    ];
    const slots = [slot(), two, slot({ key: 'u1/stays', name: 'stays' })];
    expect(plan({ ...empty, slots, containers }).steps).toEqual([]);
  });

  it('of different addresses do not meet', () => {
    const containers = [
      second({ phase: 'running', ports: port(80, '10.0.0.1') }),
      own({ ports: port(80, '10.0.0.2') }),
    ];
    expect(shown(plan({ ...empty, slots: [slot(), two], containers }).steps)).toEqual(['start A']);
  });
});

describe('a purge', () => {
  const purge = { app: 'shop', uid: 'u0', volumes: ['v'], done: false };
  const before = own({ id: 'X', uid: 'u0', phase: 'running' });

  it('waits until the containers of the app are gone, and its successor waits for the purge', () => {
    const wanted = { purges: [purge], slots: [slot()] };
    expect(shown(plan({ ...empty, ...wanted, containers: [before] }).steps)).toEqual(['stop X']);
    expect(shown(plan({ ...empty, ...wanted }).steps)).toEqual(['purge u0']);
    expect(shown(plan({ ...empty, ...wanted, purges: [{ ...purge, done: true }] }).steps)).toEqual(['create web']);
  });

  it('does not wait for other apps', () => {
    const other = { ...purge, app: 'other' };
    expect(shown(plan({ ...empty, purges: [other], slots: [slot()] }).steps)).toEqual(['create web', 'purge u0']);
  });
});

function slot({ key = 'u1/web', name = 'web', restart = 'always', ...given }: Record<string, unknown> = {}): Slot {
  return {
    key,
    app: 'shop',
    uid: 'u1',
    revision: 7,
    spec: containerSpec.parse({ name, image: `${String(name)}:1`, restart }),
    image: present,
    secret: { state: 'none' },
    wanted: { name: `selvage-${String(name)}`, hash: 'new' },
    ...given,
  } as Slot;
}

function own({ uid = 'u1', container = 'web', spec = 'new', ...given }: Record<string, unknown> = {}): Own {
  return {
    id: 'A',
    name: `selvage-${String(container)}`,
    labels: {},
    phase: 'created',
    image: 'web@sha256:1',
    stopTimeout: 10,
    createdAt: '1',
    exitCode: 0,
    outOfMemory: false,
    ports: [],
    origin: { app: 'shop', uid, container, spec, revision: 7 },
    ...given,
  } as Own;
}

function old(given: object): Own {
  return own({ id: 'O', name: 'selvage-old', spec: 'old', ...given });
}

function absent(): Slot['image'] {
  return { state: 'absent', reference: 'web@sha256:1' };
}

function exits(given: object = {}): NonNullable<Own['exits']> {
  return { last: '', count: 1, inARow: 1, byHand: false, dueAt: 0, retryAt: 0, ...given };
}

function world(one: Slot, ...containers: Own[]): Partial<World> {
  return { slots: [one], containers };
}

function shown(steps: ReturnType<typeof plan>['steps']): string[] {
  return steps.map((step) => {
    if (step.kind === 'pull') return `pull ${step.reference}`;
    if (step.kind === 'create') return `create ${step.slot.spec.name}`;
    if (step.kind === 'purge') return `purge ${step.purge.uid}`;
    return `${step.kind} ${step.container.id}`;
  });
}
