import { endpoints, type Endpoint } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { TestHub } from '../test-hub.js';

const SECRET = { type: 'registry', registry: 'r.example', username: 'u', password: 'p' };
const APP = { placement: { nodes: ['one'] }, containers: [{ name: 'web', image: 'nginx:1' }] };
const ROUTE = { source: { endpoint: 'edge', topic: 'a/#' }, target: { endpoint: 'live' } };

const NOUNS: readonly (readonly [noun: string, put: Endpoint, spec: object])[] = [
  ['a node', endpoints.nodes.put, {}],
  ['a secret', endpoints.secrets.put, SECRET],
  ['a device model', endpoints.deviceModels.put, {}],
  ['a device', endpoints.devices.put, {}],
  ['a client', endpoints.clients.put, {}],
  ['an app', endpoints.apps.put, APP],
  ['an endpoint', endpoints.endpoints.put, { kind: 'webhook', url: 'https://hooks.example/a' }],
  ['a route', endpoints.routes.put, ROUTE],
];

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
  });
  afterAll(() => hub.stop());

  it.each(NOUNS)('the revision rises by one with each change of %s', async (_noun, { method, path }, spec) => {
    const revisions: unknown[] = [];
    for (const number of [1, 2, 3]) {
      const body = { labels: { number: `${number}` }, spec };
      const at = path.replace('{project}', 'default').replace('{name}', 'one');
      const answer = await hub.ask({ method, path: at, body });
      expect(answer).toMatchObject({ status: 200, body: { revision: expect.any(Number) as number } });
      revisions.push((answer.body as { revision: number }).revision);
    }
    const first = Number(revisions[0]);
    expect(revisions).toEqual([first, first + 1, first + 2]);
  });
});
