import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DesiredApps, desiredApps } from '@selvage/protocol';
import { FakeClock, freePort, type TempDir, tempDir, until } from '@selvage/testkit';
import { toSection } from '@selvage/wire';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Agent } from './agent.js';
import { IdentityFile, type NodeIdentity } from './certificates/index.js';
import { TestHub } from './certificates/test-hub.js';
import type { AgentConfig } from './config.js';
import type { Docker } from './docker/index.js';
import { FakeDocker } from './docker/fake-docker.js';
import { askAgent } from './local-api/index.js';
import { Store } from './state/index.js';
import { execute } from './state/test-database.js';

const apps: DesiredApps = desiredApps.parse({
  apps: [{ name: 'web', uid: 'u1', revision: 1, containers: [{ name: 'c', image: 'registry:5000/web:1' }] }],
  purges: [],
});

describe('the agent', () => {
  let folder: TempDir;
  let agent: Agent;
  const lines: string[] = [];
  const newAgent = (docker?: Docker): Agent => {
    const config: AgentConfig = {
      data: folder.path,
      dockerSocket: join(folder.path, 'no-docker.sock'),
      apiPort: 0,
      mountAllowList: [],
      logLevel: 'info',
      mqttPlain: false,
      mqttPorts: { tls: 0, webSocket: 0 },
    };
    return new Agent({ ...(docker && { docker }), config, log: pino({}, { write: (line) => void lines.push(line) }) });
  };
  const joined = async (): Promise<void> => {
    const identity = await (await TestHub.create()).identity({ project: 'default', node: 'edge-1' });
    await new IdentityFile(folder.path).save({ ...identity, hubUrl: `https://127.0.0.1:${await freePort()}` });
  };
  const stored = async (change: (store: Store) => Promise<void>): Promise<void> => {
    const log = { warn: () => undefined, error: () => undefined };
    const store = new Store({ folder: folder.path, clock: new FakeClock(), log });
    await store.start();
    await store.claim('0123456789abcdef/default/edge-1');
    await change(store);
    await store.stop();
  };

  beforeEach(() => {
    lines.length = 0;
    folder = tempDir();
    agent = newAgent();
  });
  afterEach(async () => {
    await agent.stop();
    folder.remove();
  });

  it('does not start before it has joined, and leaves the folder to others then', async () => {
    await expect(agent.start()).rejects.toMatchObject({ code: 'config_invalid' });
    await agent.stop();
    await joined();
    agent = newAgent();
    await agent.start();
  });

  it.each<[string, (held: NodeIdentity, other: NodeIdentity) => Partial<NodeIdentity>, string]>([
    ['a key that is not its certificate’s', (_held, { key }) => ({ key }), 'is for another key'],
    ['a certificate of another authority', (_held, { ca }) => ({ ca }), "is not signed by the hub's authority"],
    ['a certificate of another node', () => ({ node: 'edge-2' }), 'is of default/edge-1'],
    ['a key that is none', () => ({ key: 'x' }), 'cannot be read'],
    ['a certificate that is none', ({ chain }) => ({ chain: chain.replaceAll('M', '') }), 'cannot be read'],
    ['no certificate', () => ({ chain: '' }), 'is none'],
  ])('does not start with %s, and says what to do', async (_what, wrong, problem) => {
    await joined();
    const file = new IdentityFile(folder.path);
    const held = await file.load();
    const other = await (await TestHub.create()).identity({ project: 'default', node: 'edge-1' });
    if (held === undefined) throw new Error('it did not join');
    await file.save({ ...held, ...wrong(held, other) });
    await expect(agent.start()).rejects.toMatchObject({
      code: 'key_file_unreadable',
      detail: expect.stringMatching(
        new RegExp(`identity.json is damaged, .*${problem}.*join again with --force`),
      ) as string,
    });
  });

  it('starts without hub and without engine, and says what is missing', async () => {
    await joined();
    await agent.start();
    expect(lines.at(-1)).toContain('agent started');
    await until(async () => (await askAgent(folder.path)).engine.state === 'missing');
    await until(async () => (await askAgent(folder.path)).hub.reason !== undefined);
    expect(await askAgent(folder.path)).toMatchObject({
      node: { project: 'default', node: 'edge-1' },
      hub: { state: 'connecting' },
      certificate: { daysLeft: 89 },
      apps: [],
    });
    expect(lines.join('')).not.toContain('PRIVATE KEY');
    await agent.stop();
    expect(existsSync(join(folder.path, 'api.json'))).toBe(false);
  });

  it('goes by what it has stored: its apps wait for the engine', async () => {
    await joined();
    await stored(({ desired }) => desired.apply({ epoch: 'e', revision: 7 }, [toSection('apps', apps)], []));
    await agent.start();
    await until(async () => (await askAgent(folder.path)).apps.length === 1);
    expect(await askAgent(folder.path)).toMatchObject({ stored: { revision: 7 }, apps: [{ app: 'web' }] });
  });

  it('carries the routes that it has stored, without a hub', async () => {
    await joined();
    const target = { kind: 'edge', topic: 'out', qos: 1, retain: false };
    const route = { uid: 'r', name: 'up', topic: 'in/#', group: 'edge', target };
    const rest = { state: 'active', priority: 5, order: 'topic', batch: {}, retry: {}, budget: {} };
    const routes = { routes: [{ ...route, ...rest }], services: [] };
    await stored(({ desired }) => desired.apply({ epoch: 'e', revision: 7 }, [toSection('routes', routes)], []));
    await agent.start();
    expect((await askAgent(folder.path)).routes).toMatchObject([{ name: 'up', state: 'active', waiting: 0 }]);
    expect(existsSync(join(folder.path, 'routes.db'))).toBe(true);
  });

  it('leaves the containers alone while the section that names them is damaged', async () => {
    await joined();
    const docker = new FakeDocker();
    docker.images.publish('registry:5000/web:1');
    await stored(({ desired }) => desired.apply({ epoch: 'e', revision: 7 }, [toSection('apps', apps)], []));
    agent = newAgent(docker);
    await agent.start();
    await until(() => docker.calls.some((call) => call.startsWith('start')));
    await agent.stop();
    await execute(
      join(folder.path, 'agent.db'),
      `UPDATE sections SET body = CAST('{"apps":[],"purges":[]}' AS BLOB) WHERE name = 'apps'`,
    );
    const before = [...docker.calls];
    agent = newAgent(docker);
    await agent.start();
    await until(() => lines.some((line) => line.includes('a look at the apps failed')));
    expect(docker.calls).toEqual(before);
    expect(lines.join('')).toContain('a stored section is damaged');
  });

  it('is alone on its folder', async () => {
    await joined();
    await agent.start();
    const second = newAgent();
    await expect(second.start()).rejects.toMatchObject({ code: 'data_folder_in_use' });
    await second.stop();
    expect((await askAgent(folder.path)).node.node).toBe('edge-1');
  });
});
