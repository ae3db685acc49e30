import { EdgeError } from '@selvage/protocol';
import { settled, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bareRequest } from '../docker/test-request.js';
import { app, TestNode } from './test-node.js';

const MINUTE = 60_000;

describe('apps on a node', () => {
  let node: TestNode;
  const only = (name: string) => node.instance(name)?.containers[0];
  const calls = (): string[] =>
    node.docker.calls.splice(0).map((call) => call.replace(/selvage-local-(\S+)-\w{8}/, '$1'));
  beforeEach(async () => {
    node = new TestNode();
    for (const name of ['web', 'db', 'web2']) node.docker.images.publish(`registry:5000/${name}:1`);
    await node.start();
  });
  afterEach(() => node.stop());

  it('run, pinned to the digest of their tag', async () => {
    await node.want([app('web')]);
    expect(node.containers()).toEqual(['web/web running']);
    expect(calls()).toEqual(['pull registry:5000/web:1', 'create web-web', 'start web-web']);
    expect(node.instance('web')).toMatchObject({ uid: 'uid-web', revision: 1, state: 'running' });
    expect(only('web')).toMatchObject({ state: 'running', image: 'registry:5000/web:1', restarts: 0 });
    expect(only('web')?.digest).toMatch(/^sha256:/);
  });

  it('are left alone when only the revision, the restart policy or a moved tag changed', async () => {
    await node.want([app('web')]);
    const id = node.running('web');
    calls();
    node.docker.images.publish('registry:5000/web:1', { content: 'newer' });
    await node.want([app('web', { revision: 2, containers: [{ restart: 'on-failure' }] })]);
    await node.clock.advance(10 * MINUTE);
    expect([node.running('web'), calls()]).toEqual([id, []]);
    expect(node.instance('web')).toMatchObject({ revision: 2, state: 'running' });
  });

  it('have only the changed container replaced: pull, create, stop, start, remove', async () => {
    const containers = [{ name: 'one' }, { name: 'two' }];
    await node.want([app('web', { containers })]);
    calls();
    node.docker.images.publish('registry:5000/web:2');
    const changed = [{ name: 'one' }, { name: 'two', image: 'registry:5000/web:2' }];
    await node.want([app('web', { revision: 2, containers: changed })]);
    expect(calls()).toEqual([
      'pull registry:5000/web:2',
      'create web-two',
      'stop web-two 10',
      'remove web-two',
      'start web-two',
    ]);
    expect(node.containers()).toEqual(['web/one running', 'web/two running']);
  });

  it('keep running the old way, and say why, when the new image cannot be pulled', async () => {
    await node.want([app('web')]);
    const id = node.running('web');
    await node.want([app('web', { revision: 2, containers: [{ image: 'registry:5000/web:none' }] })]);
    expect(node.running('web')).toBe(id);
    expect(node.instance('web')).toMatchObject({ state: 'failed', revision: 1 });
    expect(only('web')).toMatchObject({ state: 'running', reason: 'image_pull_failed', containerId: id });
    expect(only('web')?.message).toContain('manifest unknown');
    node.docker.images.publish('registry:5000/web:none');
    await node.clock.advance(MINUTE);
    expect(node.instance('web')).toMatchObject({ state: 'running', revision: 2 });
  });

  it('are named in the warning of a failure, which is not repeated with each try', async () => {
    await node.want([app('web', { containers: [{ name: 'proxy', image: 'registry:5000/web:none' }] })]);
    await node.clock.advance(10 * MINUTE);
    expect(node.warnings).toEqual(['pull failed for web/proxy']);
  });

  it('do not wait for the slow pull of another', async () => {
    const release = node.docker.images.hold('registry:5000/db:1');
    await node.want([app('db'), app('web')]);
    expect(node.containers()).toEqual(['web/web running']);
    expect(only('db')?.state).toBe('pulling');
    release();
    await settled();
    expect(node.instance('db')?.state).toBe('running');
  });

  it('go on with a pull under way when something else about them changes', async () => {
    const release = node.docker.images.hold('registry:5000/db:1');
    await node.want([app('db')]);
    await node.want([app('db', { revision: 2, containers: [{ env: [{ name: 'A', value: 'b' }] }] })]);
    release();
    await settled();
    expect(calls().filter((call) => call.startsWith('pull'))).toEqual(['pull registry:5000/db:1']);
    expect(node.instance('db')).toMatchObject({ state: 'running', revision: 2 });
  });

  it('pull three images at once, not more', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) node.docker.images.publish(`registry:5000/${name}:1`);
    const releases = names.map((name) => node.docker.images.hold(`registry:5000/${name}:1`));
    await node.want(names.map((name) => app(name)));
    expect(calls()).toHaveLength(3);
    for (const release of releases) release();
    await settled();
    expect(node.containers()).toHaveLength(5);
  });

  it.each<[string, (id: string) => void | Promise<void>]>([
    [
      'killed',
      (id) => {
        node.docker.kill(id);
      },
    ],
    ['stopped', (id) => node.docker.stop(id, 0)],
    ['removed', (id) => node.docker.remove(id)],
    [
      'paused',
      (id) => {
        node.docker.pause(id);
      },
    ],
  ])('are repaired at once, again and again, when they are %s by hand', async (_how, harm) => {
    await node.want([app('web')]);
    for (let time = 0; time < 5; time += 1) {
      await harm(node.running('web') ?? '');
      await settled();
      expect(node.containers()).toEqual(['web/web running']);
    }
  });

  it('that crash are started again at once, then after 10 s, 20 s … 5 min', async () => {
    await node.want([app('web')]);
    const waits: number[] = [];
    for (let crash = 0; crash < 9; crash += 1) {
      node.docker.exit(node.running('web') ?? '', 3);
      await settled();
      const begin = node.clock.now();
      if (node.running('web') === undefined)
        expect(only('web')).toMatchObject({
          state: 'backing_off',
          reason: 'container_exited',
          exitCode: 3,
          restarts: crash,
        });
      while (node.running('web') === undefined) await node.clock.advance(1000);
      waits.push((node.clock.now() - begin) / 1000);
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(only('web')).toMatchObject({ state: 'running', restarts: 9 });
    await node.clock.advance(11 * MINUTE);
    node.docker.exit(node.running('web') ?? '', 3);
    await settled();
    expect(node.running('web')).toBeDefined();
  });

  it.each([
    ['never', 0, 'completed', { state: 'exited', exitCode: 0 }],
    ['never', 1, 'failed', { state: 'failed', reason: 'container_exited', exitCode: 1 }],
    ['on-failure', 0, 'completed', { state: 'exited', exitCode: 0 }],
  ] as const)(
    'with policy %s that exit with %i are not started again',
    async (...[restart, code, state, container]) => {
      await node.want([app('web', { containers: [{ restart }] })]);
      node.docker.exit(node.running('web') ?? '', code);
      await node.clock.advance(10 * MINUTE);
      expect(node.instance('web')?.state).toBe(state);
      expect(only('web')).toMatchObject(container);
      expect(node.containers()).toEqual(['web/web exited']);
    },
  );

  it('that are deleted are stopped and removed; their volumes are kept', async () => {
    await node.want([app('web', { containers: [{ mounts: [{ volume: 'data', path: '/data' }] }] })]);
    calls();
    await node.want([]);
    expect(calls()).toEqual(['stop web-web 10', 'remove web-web']);
    expect([...node.docker.volumeLabels.keys()]).toEqual(['selvage-default.local.web.data']);
    expect([...node.disk.pins.keys()]).toEqual([]);
  });

  it('that are deleted with their volumes lose them before an app of that name comes again, and once only', async () => {
    const containers = [{ mounts: [{ volume: 'data', path: '/data' }] }];
    const purge = { app: 'web', uid: 'uid-web' };
    await node.want([app('web', { containers })]);
    calls();
    await node.want([app('web', { uid: 'second', containers })], [purge]);
    const order = calls().filter((call) => /volume|start|Volume/.test(call));
    expect(order).toEqual([
      'removeVolume selvage-default.local.web.data',
      'createVolume selvage-default.local.web.data',
      'start web-web',
    ]);
    expect(node.reports.at(-1)?.purged).toEqual(['uid-web']);
    await node.want([app('web', { uid: 'third', containers })], [purge]);
    expect(calls().filter((call) => call.startsWith('removeVolume'))).toEqual([]);
    await node.want([app('web', { uid: 'third', containers })]);
    expect(node.reports.at(-1)?.purged).toEqual([]);
    expect(node.disk.meta.get('apps.purged')).toBe('[]');
  });

  it.each<[string, (sections: Map<string, unknown>) => void]>([
    ['is not there', (sections) => void sections.delete('apps')],
    ['cannot be read', (sections) => void sections.set('apps', 'damaged')],
  ])('are left as they are while what is wanted of them %s', async (_what, damage) => {
    await node.want([app('web'), app('db')]);
    await node.secret('key', { type: 'registry', registry: 'other', username: 'u', password: 'p' });
    const before = node.containers();
    calls();
    damage(node.disk.sections);
    await node.stop();
    node = await node.restart();
    await node.clock.advance(10 * MINUTE);
    expect([node.containers(), calls()]).toEqual([before, []]);
    await node.want([app('web')]);
    expect(calls()).toEqual(['stop db-db 10', 'remove db-db']);
  });

  it('run although what was purged is no list, and although a label has no revision that can be counted', async () => {
    await node.want([app('web')]);
    const [made] = node.docker.containers.values();
    if (made === undefined) throw new Error('nothing was made');
    node.disk.meta.set('apps.purged', '{');
    await node.docker.remove(made.id);
    const labels = { ...made.request.Labels, 'io.selvage.revision': '-1.5' };
    await node.docker.start(await node.docker.create(made.name, { ...made.request, Labels: labels }));
    await node.want([app('web', { revision: 2, containers: [{ image: 'registry:5000/web:none' }] })]);
    expect(node.instance('web')?.revision).toBe(0);
  });

  it('wait for an engine that is away, say so, and come when it returns', async () => {
    node.docker.down();
    await node.want([app('web')]);
    expect(node.instance('web')?.state).toBe('unknown');
    expect(only('web')).toMatchObject({ state: 'waiting', reason: 'docker_unavailable' });
    await node.clock.advance(MINUTE);
    node.docker.up();
    await node.clock.advance(10_000);
    expect(node.instance('web')?.state).toBe('running');
  });

  it('that ended while the engine was away are started at once when it is back, however often', async () => {
    await node.want([app('web')]);
    for (let time = 0; time < 4; time += 1) {
      const id = node.running('web') ?? '';
      node.docker.down();
      await settled();
      node.docker.exit(id, 137);
      node.docker.up();
      await node.clock.advance(5_000);
      expect(node.containers()).toEqual(['web/web running']);
    }
  });

  it('name the secret that is missing, and pull with it when it comes, from its own registry only', async () => {
    const login = { username: 'robot', password: 'secret' };
    node.docker.images.publish('registry:5000/private:1', { credentials: login });
    node.docker.images.publish('other:5000/private:1', { credentials: login });
    const containers = [
      { name: 'a', image: 'registry:5000/private:1' },
      { name: 'b', image: 'other:5000/private:1' },
    ];
    await node.want([app('private', { secret: 'key', containers })]);
    expect(only('private')).toMatchObject({ state: 'failed', reason: 'secret_missing' });
    await node.secret('key', { type: 'registry', registry: 'registry:5000', ...login, password: 'wrong' });
    expect(only('private')).toMatchObject({ state: 'failed', reason: 'image_pull_failed' });
    await node.secret('key', { type: 'registry', registry: 'registry:5000', ...login });
    expect(node.containers()).toEqual(['private/a running']);
    expect(node.instance('private')?.containers[1]).toMatchObject({ reason: 'image_pull_failed' });
    expect(JSON.stringify([node.reports, calls(), node.warnings])).not.toContain('"secret"');
  });

  it('start from the image that is here when the registry is away', async () => {
    await node.want([app('web')]);
    await node.want([]);
    node.docker.images.reachable = false;
    await node.want([app('web', { uid: 'second' }), app('db')]);
    expect(node.instance('web')?.state).toBe('running');
    expect(only('db')).toMatchObject({ state: 'failed', reason: 'image_pull_failed' });
  });

  it('start from an image that was built here without asking any registry', async () => {
    node.docker.images.build('local/tool:1');
    await node.want([app('tool', { containers: [{ image: 'local/tool:1' }] })]);
    expect(calls()).toEqual(['create tool-tool', 'start tool-tool']);
    expect(node.instance('tool')).toMatchObject({ state: 'running', containers: [{ image: 'local/tool:1' }] });
  });

  it('say which failure keeps them from running', async () => {
    node.docker.failNext('create', new EdgeError('out_of_disk', 'no space left on device'));
    await node.want([app('web')]);
    expect(only('web')).toMatchObject({ state: 'failed', reason: 'out_of_disk', message: 'no space left on device' });
    expect(only('web')?.retryAt).toBeDefined();
    await node.clock.advance(10_000);
    expect(node.instance('web')?.state).toBe('running');
  });

  it('say who holds the port that they want', async () => {
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    node.docker.images.build('grafana:1');
    const foreign = await node.docker.create('grafana', bareRequest({ image: 'grafana:1', hostPort: 8080 }));
    await node.docker.start(foreign);
    await node.want([app('web', { containers: [{ ports }] })]);
    expect(only('web')).toMatchObject({ state: 'failed', reason: 'port_taken' });
    expect(only('web')?.message).toBe(
      'Host port 8080/tcp is held by container "grafana", which Selvage does not manage.',
    );
    await node.docker.remove(foreign);
    await node.clock.advance(10_000);
    expect(node.instance('web')?.state).toBe('running');
  });

  it('refuse a host path that the node does not allow', async () => {
    await node.want([app('web', { containers: [{ mounts: [{ hostPath: '/etc', path: '/x' }] }] })]);
    await until(() => only('web')?.state === 'failed');
    expect(only('web')).toMatchObject({ state: 'failed', reason: 'mount_forbidden' });
  });
});
