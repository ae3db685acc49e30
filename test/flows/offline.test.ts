import { join } from 'node:path';
import { type Registry, pushImage, startRegistry, until } from '@selvage/testkit';
import { endpoints } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../apps/edge-agent/src/state/test-database.js';
import { appOn, containersOf, docker, instanceOf, removeContainersOf } from '../stage/containers.js';
import { AgentProcess, HubProcess, params } from '../stage/site.js';

describe('a node without its hub', () => {
  const hub = new HubProcess();
  const agent = new AgentProcess('alone');
  let registry: Registry;
  let image: string;
  let nodeLabel: string;

  const deploy = async (app: string): Promise<void> => {
    const spec = appOn('alone', [{ name: 'c', image }]) as never;
    await hub.client.call(endpoints.apps.put, { ...params(app), body: { labels: {}, spec } });
    await until(async () => (await instanceOf(hub, app))?.state === 'running', {
      timeoutMs: 60_000,
      describe: () => `${app} to run`,
    });
  };
  const remove = async (app: string): Promise<void> => {
    await hub.client.call(endpoints.apps.remove, params(app));
    await until(async () => (await containersOf(hub, 'alone', app)).length === 0, {
      timeoutMs: 60_000,
      describe: () => `${app} to go`,
    });
  };
  const running = async (): Promise<string[]> => {
    const filters = { label: [nodeLabel], status: ['running'] };
    return (await docker.listContainers({ filters })).map(({ Id }) => Id);
  };

  beforeAll(async () => {
    await hub.start();
    nodeLabel = `io.selvage.node=${await hub.id()}/default/alone`;
    registry = await startRegistry();
    image = await pushImage(registry, { name: 'hello', tag: '1' });
    await agent.join(hub);
    agent.program.start();
    await hub.nodeIs('alone', 'ready');
    await deploy('web');
  });
  afterAll(async () => {
    await agent.close();
    if (!hub.program.running) await hub.start();
    await removeContainersOf(hub, 'alone');
    await registry.stop();
    await hub.close();
  });

  it('leaves running containers alone when the agent restarts or is killed', async () => {
    const before = await running();
    expect(before).toHaveLength(1);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await agent.program.stop(signal);
      agent.program.start();
      // When a new app runs, the agent has looked at the old one too.
      await deploy(`after-${signal.toLowerCase()}`);
      expect(await running()).toEqual(expect.arrayContaining(before));
    }
    for (const signal of ['sigterm', 'sigkill']) await remove(`after-${signal}`);
    expect(await running()).toEqual(before);
  });

  it('leaves them alone when it cannot read what is wanted, and has the hub send it again', async () => {
    const before = await running();
    await agent.program.stop();
    await hub.program.stop();
    const none = `UPDATE sections SET body = CAST('{"apps":[],"purges":[]}' AS BLOB) WHERE name = 'apps'`;
    await execute(join(agent.data.path, 'agent.db'), none);
    agent.program.start();
    await until(() => agent.program.output.includes('a look at the apps failed'));
    expect(await running()).toEqual(before);
    await hub.restart('SIGTERM');
    await until(async () => (await agent.run('status')).output.includes('app web'), { timeoutMs: 60_000 });
    await deploy('repaired');
    expect(await running()).toEqual(expect.arrayContaining(before));
    await remove('repaired');
  });

  it('brings its apps back from its own database: after a reboot, no hub, no registry', async () => {
    await hub.program.stop();
    await registry.down();
    await agent.program.stop('SIGKILL');
    for (const { Id } of await docker.listContainers({ all: true, filters: { label: [nodeLabel] } })) {
      await docker.getContainer(Id).remove({ force: true });
    }
    agent.program.start();
    await until(async () => (await running()).length === 1, {
      timeoutMs: 60_000,
      describe: () => `web to run; ${agent.program.output}`,
    });
  });

  it('is in step again when the hub is back, and hears what changed meanwhile', async () => {
    await hub.restart('SIGKILL');
    await hub.nodeIs('alone', 'ready');
    await remove('web');
    expect(await containersOf(hub, 'alone')).toEqual([]);
  });
});

describe('a certificate', () => {
  const hub = new HubProcess({ env: { SELVAGE_CERTIFICATE_DAYS: String(20 / 86_400) } });
  const agent = new AgentProcess('short-lived');

  beforeAll(() => hub.start());
  afterAll(async () => {
    await agent.close();
    await hub.close();
  });

  const serials = async (): Promise<string[]> =>
    (await hub.client.call(endpoints.certificates.list, params('short-lived'))).items.map(({ serial }) => serial);

  it('is renewed with a new key before it ends, and the node stays ready', async () => {
    await agent.join(hub);
    const [first] = await serials();
    agent.program.start();
    await hub.nodeIs('short-lived', 'ready');
    await until(async () => (await serials()).some((serial) => serial !== first), {
      timeoutMs: 60_000,
      describe: () => 'a new one',
    });
    await hub.nodeIs('short-lived', 'ready');
  });

  it('that expired while the node was away is renewed all the same, with no new token', async () => {
    await agent.program.stop();
    const page = await hub.client.call(endpoints.certificates.list, params('short-lived'));
    const end = Math.max(...page.items.map(({ notAfter }) => Date.parse(notAfter)));
    await until(() => Date.now() > end + 1000, { timeoutMs: 60_000, describe: () => 'the certificate to expire' });
    agent.program.start();
    await hub.nodeIs('short-lived', 'ready');
  });
});
