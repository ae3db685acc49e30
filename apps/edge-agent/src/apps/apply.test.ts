import { containerSpec } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeDocker } from '../docker/fake-docker.js';
import { Actions, volumeName } from './apply.js';
import { createStep } from './steps.js';
import { owner } from './test-node.js';
import type { Slot } from './world.js';

const signal = new AbortController().signal;

describe('creating a container', () => {
  let docker: FakeDocker;
  let actions: Actions;
  beforeEach(() => {
    docker = new FakeDocker();
    docker.images.build('web:1');
    actions = new Actions({
      docker,
      clock: new FakeClock(),
      owner,
      pins: { get: () => undefined, set: () => undefined, delete: () => undefined, all: () => new Map() },
      mounts: { allow: [], protect: [] },
      wanted: () => undefined,
      purged: { add: () => Promise.resolve() },
    });
  });
  const create = (given: Partial<Slot> = {}): Promise<void> => actions.apply(createStep({ ...slot, ...given }), signal);

  it('takes over the one that an earlier try made', async () => {
    await create();
    await create();
    expect(docker.containers.size).toBe(1);
  });

  it.each<[string, Record<string, string>]>([
    ['that nobody labelled', {}],
    ['of another node', { 'io.selvage.node': 'x/default/local' }],
    ['of another app', { 'io.selvage.uid': 'u2' }],
    ['of another spec', { 'io.selvage.spec': 'other' }],
  ])('does not take over a container %s that has its name', async (_what, labels) => {
    await create();
    const [made] = docker.containers.values();
    docker.discard(made?.id ?? '');
    const request = made?.request;
    if (!request) throw new Error('nothing was made');
    const other = Object.keys(labels).length === 0 ? {} : { ...request.Labels, ...labels };
    await docker.create('selvage-web', { ...request, Labels: other });
    await expect(create()).rejects.toMatchObject({ code: 'already_exists' });
  });

  it.each([
    ['not labelled', {}],
    ['of another node', { 'io.selvage.node': 'x/default/local', 'io.selvage.app': 'shop' }],
  ])('does not mount a volume of its name that is %s', async (_what, labels) => {
    await docker.createVolume(volumeName(owner, 'shop', 'data'), labels);
    const spec = containerSpec.parse({ ...slot.spec, mounts: [{ volume: 'data', path: '/data' }] });
    await expect(create({ spec })).rejects.toMatchObject({ code: 'already_exists' });
    expect(docker.containers.size).toBe(0);
  });

  it('names volumes so that no two apps share one', () => {
    expect(volumeName(owner, 'a-b', 'c')).not.toBe(volumeName(owner, 'a', 'b-c'));
  });
});

const slot: Slot = {
  key: 'u1/web',
  app: 'shop',
  uid: 'u1',
  revision: 1,
  spec: containerSpec.parse({ name: 'web', image: 'web:1' }),
  image: { state: 'present', reference: 'web:1', arch: 'amd64', os: 'linux' },
  secret: { state: 'none' },
  wanted: { name: 'selvage-web', hash: 'h' },
};
