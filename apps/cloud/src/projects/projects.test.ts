import { endpoints, type Endpoint } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';

const ROUNDS = 10;
const { nodes, devices, deviceModels, clients, apps, secrets } = endpoints;

/** What lives in projects, and the least that makes one of it. */
const NOUNS: readonly (readonly [noun: string, put: Endpoint, body: object])[] = [
  ['a node', nodes.put, { spec: {} }],
  ['a node by its join token', nodes.join, {}],
  ['a device', devices.put, { spec: {} }],
  ['a device model', deviceModels.put, { spec: {} }],
  ['a client', clients.put, { spec: {} }],
  ['an app', apps.put, { spec: { placement: { selector: 'site=a' }, containers: [{ name: 'c', image: 'nginx:1' }] } }],
  ['a secret', secrets.put, { spec: { type: 'registry', registry: 'r.example', username: 'u', password: 'p' } }],
];

describe.each(DIALECTS)('a project on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
  });
  afterAll(() => hub.stop());

  const projectPath = (name: string): string => endpoints.projects.put.path.replace('{project}', name);
  const create = async (name: string): Promise<void> => {
    expect(await hub.ask({ method: 'PUT', path: projectPath(name), body: {} })).toMatchObject({ status: 200 });
  };

  it.each(NOUNS)('is not deleted while %s is made in it, which never stays behind', async (what, put, body) => {
    const outcomes: string[] = [];
    const orphans: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const project = `${what.replaceAll(' ', '-')}-${round}`;
      await create(project);
      const path = put.path.replace('{project}', project).replace('{name}', 'one');
      const [made, deleted] = await Promise.all([
        hub.ask({ method: put.method, path, body }),
        hub.ask({ method: 'DELETE', path: projectPath(project) }),
      ]);
      outcomes.push(`${made.code ?? 'made'}, ${deleted.code ?? 'deleted'}`);
      await create(project);
      const { status } = await hub.ask({ method: 'GET', path: path.replace('/join-token', '') });
      if (deleted.status === 204 && status === 200) orphans.push(project);
    }
    expect(orphans).toEqual([]);
    expect(outcomes.filter((one) => one !== 'made, in_use' && one !== 'not_found, deleted')).toEqual([]);
  });

  it('that is deleted and made again at the same time is there or not, and says the same to everybody', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const project = `again-${round}`;
      const list = endpoints.apps.list.path.replace('{project}', project);
      await create(project);
      await Promise.all([
        hub.ask({ method: 'DELETE', path: projectPath(project) }),
        ...Array.from({ length: 5 }, () => hub.ask({ method: 'GET', path: list })),
      ]);
      expect(await hub.ask({ method: 'GET', path: list })).toMatchObject({ status: 404, code: 'not_found' });
    }
  });
});
