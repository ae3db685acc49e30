import { endpoints } from '@selvage/protocol';
import { type Registry, pushImage, startRegistry, until } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appOn, containersOf, docker, Foreign, instanceOf, removeContainersOf } from '../stage/containers.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

describe('an app', () => {
  const hub = new HubProcess();
  const agent = new AgentProcess('apps-1');
  const foreign = new Foreign();
  let registry: Registry;
  let image: string;

  const put = (name: string, spec: object): Promise<unknown> =>
    hub.client.call(endpoints.apps.put, { ...params(name), body: { labels: {}, spec: spec as never } });
  const runs = (name: string): Promise<void> =>
    until(async () => (await instanceOf(hub, name))?.state === 'running', {
      timeoutMs: 60_000,
      describe: async () => `${name} to run: ${JSON.stringify(await instanceOf(hub, name))}`,
    });
  const isGone = (name: string): Promise<void> =>
    until(async () => (await containersOf(hub, 'apps-1', name)).length === 0, {
      timeoutMs: 60_000,
      describe: () => `the containers of ${name} to go`,
    });

  beforeAll(async () => {
    await hub.start();
    registry = await startRegistry();
    image = await pushImage(registry, { name: 'hello', tag: '1' });
    await foreign.start(image);
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('apps-1', 'ready');
  });
  afterAll(async () => {
    await agent.close();
    await removeContainersOf(hub, 'apps-1');
    await foreign.remove();
    await registry.stop();
    await hub.close();
  });

  it('runs on the chosen node, its image pinned to a digest, with what its manifest says', async () => {
    const env = [{ name: 'GREETING', value: 'hello' }];
    const mounts = [{ volume: 'data', path: '/data' }];
    await put('web', appOn('apps-1', [{ name: 'web', image, env, mounts, limits: { memoryMb: 32, cpu: 0.5 } }]));
    await runs('web');
    const [container] = await containersOf(hub, 'apps-1', 'web');
    const found = await docker.getContainer(container?.Id ?? '').inspect();
    expect(found.Config.Env).toContain('GREETING=hello');
    expect(found.HostConfig).toMatchObject({ Memory: 32 * 1024 * 1024, NanoCpus: 5e8, Privileged: false });
    expect(found.HostConfig.SecurityOpt).toContain('no-new-privileges');
    const instance = await instanceOf(hub, 'web');
    expect(instance?.containers[0]?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('keeps the containers that did not change when another one does', async () => {
    const pair = (value: string): object =>
      appOn('apps-1', [
        { name: 'one', image },
        { name: 'two', image, env: [{ name: 'V', value }] },
      ]);
    await put('pair', pair('1'));
    await runs('pair');
    const before = await containersOf(hub, 'apps-1', 'pair');
    await put('pair', pair('2'));
    await until(async () => (await envOf('pair', 'two')).includes('V=2'), {
      timeoutMs: 60_000,
      describe: () => 'the new value',
    });
    await runs('pair');
    const after = await containersOf(hub, 'apps-1', 'pair');
    const idOf = (list: typeof before, name: string): string | undefined =>
      list.find(({ Labels }) => Labels['io.selvage.container'] === name)?.Id;
    expect(idOf(after, 'one')).toBe(idOf(before, 'one'));
    expect(idOf(after, 'two')).not.toBe(idOf(before, 'two'));
  });

  it.each([
    ['killed', (id: string) => docker.getContainer(id).kill()],
    ['stopped', (id: string) => docker.getContainer(id).stop({ t: 0 })],
    ['removed', (id: string) => docker.getContainer(id).remove({ force: true })],
  ])('is repaired when its container is %s by hand', async (_how, harm) => {
    const [container] = await containersOf(hub, 'apps-1', 'web');
    const startedAt = (await docker.getContainer(container?.Id ?? '').inspect()).State.StartedAt;
    await harm(container?.Id ?? '');
    await until(
      async () => {
        const [now] = await containersOf(hub, 'apps-1', 'web');
        if (now?.State !== 'running') return false;
        return (await docker.getContainer(now.Id).inspect()).State.StartedAt !== startedAt;
      },
      { timeoutMs: 60_000, describe: () => 'the container to be back' },
    );
  });

  it('streams its log live through the command line', async () => {
    await put(
      'talk',
      appOn('apps-1', [
        { name: 'talk', image, args: ['sh', '-c', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 1; done'] },
      ]),
    );
    await runs('talk');
    const logs = hub.cliProgram('logs', '-f', 'talk/talk', '--node', 'apps-1');
    logs.start();
    await until(() => logs.output.includes('line 3'), {
      timeoutMs: 30_000,
      describe: () => `line 3 in ${logs.output}`,
    });
    await logs.stop();
    await hub.client.call(endpoints.apps.remove, params('talk'));
  });

  it.each([
    ['a tag that is not there', 'image_pull_failed', (r: Registry) => `${r.address}/hello:none`],
    ['a digest that is not there', 'image_pull_failed', (r: Registry) => `${r.address}/hello@sha256:${'0'.repeat(64)}`],
    ['a registry that is down', 'image_pull_failed', () => `127.0.0.1:1/hello:1`],
  ])('with %s says %s and why, and the others go on', async (_what, reason, reference) => {
    await put('bad', appOn('apps-1', [{ name: 'bad', image: reference(registry) }]));
    await until(async () => (await instanceOf(hub, 'bad'))?.containers[0]?.reason === reason, {
      timeoutMs: 60_000,
      describe: async () => `${reason}: ${JSON.stringify(await instanceOf(hub, 'bad'))}`,
    });
    expect((await instanceOf(hub, 'bad'))?.containers[0]?.message).toMatch(/\S/);
    expect((await instanceOf(hub, 'web'))?.state).toBe('running');
    await hub.client.call(endpoints.apps.remove, params('bad'));
  });

  it('of a private registry runs with its credentials only', async () => {
    const secured = await startRegistry({ auth: { user: 'robot', password: 'correct-horse' } });
    onTestFinished(() => secured.stop());
    const secret = await pushImage(secured, { name: 'private', tag: '1' });
    await put('private', appOn('apps-1', [{ name: 'private', image: secret }]));
    await until(async () => (await instanceOf(hub, 'private'))?.containers[0]?.reason === 'image_pull_failed', {
      timeoutMs: 60_000,
      describe: () => 'the registry to refuse',
    });
    const spec = { type: 'registry' as const, registry: secured.address, username: 'robot', password: 'correct-horse' };
    const shown = await hub.client.call(endpoints.secrets.put, { ...params('robot'), body: { labels: {}, spec } });
    expect(JSON.stringify(shown)).not.toContain('correct-horse');
    await put('private', { ...appOn('apps-1', [{ name: 'private', image: secret }]), imagePullSecret: 'robot' });
    await runs('private');
    await hub.client.call(endpoints.apps.remove, params('private'));
    await isGone('private');
    expect(agent.program.output + hub.program.output).not.toContain('correct-horse');
  });

  it('says who holds the port that it wants', async () => {
    const port = await foreign.publishPort(image);
    await put('port', appOn('apps-1', [{ name: 'port', image, ports: [{ containerPort: 80, hostPort: port }] }]));
    await until(async () => (await instanceOf(hub, 'port'))?.containers[0]?.reason === 'port_taken', {
      timeoutMs: 60_000,
      describe: async () => JSON.stringify(await instanceOf(hub, 'port')),
    });
    expect((await instanceOf(hub, 'port'))?.containers[0]?.message).toContain(foreign.name);
    await hub.client.call(endpoints.apps.remove, params('port'));
  });

  it('is refused when another app has its port on the node, and when it mounts what it must not', async () => {
    const ports = [{ containerPort: 80, hostPort: 18_080 }];
    await put('port-a', appOn('apps-1', [{ name: 'a', image, ports }]));
    await expect(put('port-b', appOn('apps-1', [{ name: 'b', image, ports }]))).rejects.toMatchObject({
      code: 'port_conflict',
    });
    const mounts = [{ hostPath: '/etc', path: '/x' }];
    await expect(put('mount', appOn('apps-1', [{ name: 'm', image, mounts }]))).rejects.toMatchObject({
      code: 'mount_forbidden',
    });
    await hub.client.call(endpoints.apps.remove, params('port-a'));
  });

  it.each(['keep', 'remove'] as const)('is deleted: its containers go, its volumes: %s', async (volumes) => {
    const name = `gone-${volumes}`;
    await put(name, appOn('apps-1', [{ name: 'c', image, mounts: [{ volume: 'data', path: '/data' }] }]));
    await runs(name);
    await hub.client.call(endpoints.apps.remove, { ...params(name), query: { volumes } });
    await isGone(name);
    const node = `${await hub.id()}/default/apps-1`;
    const volumesLeft = async (): Promise<number> =>
      (await docker.listVolumes({ filters: { label: [`io.selvage.node=${node}`, `io.selvage.app=${name}`] } })).Volumes
        .length;
    await until(async () => (await volumesLeft()) === (volumes === 'keep' ? 1 : 0), {
      timeoutMs: 60_000,
      describe: () => 'the volumes',
    });
  });

  it('never touches a container that is not ours', async () => {
    expect(await foreign.unchanged()).toBe(true);
  });

  async function envOf(app: string, name: string): Promise<string[]> {
    const all = await containersOf(hub, 'apps-1', app);
    const one = all.find(({ Labels }) => Labels['io.selvage.container'] === name);
    return one ? (await docker.getContainer(one.Id).inspect()).Config.Env : [];
  }
});
