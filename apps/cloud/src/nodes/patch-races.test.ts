import { endpoints, type Endpoint } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';

const ROUNDS = 15;
const { nodes, devices, secrets, clients, deviceModels } = endpoints;
const SECRET = { spec: { type: 'registry', registry: 'r.example', username: 'u', password: 'p' } };
const CHANGED = { ...SECRET, spec: { ...SECRET.spec, password: 'q' } };
const labels = { labels: { a: 'b' } };

const CHANGES: readonly (readonly [what: string, put: Endpoint, first: object, change: Endpoint, body: object])[] = [
  ['a patch of a node', nodes.put, { spec: {} }, nodes.patch, labels],
  ['a patch of a device', devices.put, { spec: {} }, devices.patch, labels],
  ['a patch of a client', clients.put, { spec: {} }, clients.patch, labels],
  ['a patch of a device model', deviceModels.put, { spec: {} }, deviceModels.patch, labels],
  ['a patch of a secret', secrets.put, SECRET, secrets.patch, CHANGED],
  ['an expected value of a device', devices.put, { spec: {} }, devices.expected, { speed: '1' }],
];

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
  });
  afterAll(() => hub.stop());

  it.each(CHANGES)('%s does not bring back what is deleted meanwhile', async (_what, put, first, change, body) => {
    const at = ({ path }: Endpoint): string => path.replace('{project}', 'default').replace('{name}', 'one');
    const outcomes = new Set<string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      await hub.ask({ method: put.method, path: at(put), body: first });
      const ask = (): Promise<{ code: string | undefined }> =>
        hub.ask({ method: change.method, path: at(change), body });
      const remove = hub.ask({ method: 'DELETE', path: at(put) });
      const changes = await Promise.all([ask(), ask(), ask(), ask()]);
      for (const { code } of changes) outcomes.add(code ?? 'ok');
      expect(await remove).toMatchObject({ status: 204 });
      expect(await hub.ask({ method: 'GET', path: at(put) })).toMatchObject({ status: 404 });
    }
    // `conflict` says that it was deleted just now.
    expect([...outcomes].filter((one) => !['ok', 'not_found', 'conflict'].includes(one))).toEqual([]);
  });
});
