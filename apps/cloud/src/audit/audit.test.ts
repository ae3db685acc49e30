import { endpoints } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { type TestAnswer, TestHub } from '../test-hub.js';
import type { AuditLine } from './audit.entity.js';
import { BEGINNING, firstBroken } from './chain.js';

describe.each(DIALECTS)('the audit log on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
  });
  afterAll(() => hub.stop());

  const path = (name: string): string => `/api/v1/projects/default/nodes/${name}`;
  const put = (name: string, more: object = {}): Promise<TestAnswer> =>
    hub.ask({ method: 'PUT', path: path(name), body: { spec: more } });
  const lines = async (): Promise<AuditLine[]> => {
    const { body } = await hub.ask({ method: 'GET', path: `${endpoints.audit.list.path}?limit=1000` });
    const { items } = endpoints.audit.list.answer.parse(body);
    return items.map(({ project = null, ...line }) => ({ ...line, project })).reverse();
  };
  const outcomesOf = async (target: string): Promise<string[]> =>
    (await lines()).filter((line) => line.target === target).map(({ outcome }) => outcome);

  it('has one line for each change, in one chain, also of many at once', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `many-${index}`);
    for (const { status } of await Promise.all(names.map((name) => put(name)))) expect(status).toBe(200);
    const all = await lines();
    expect(firstBroken(all, BEGINNING)).toBeUndefined();
    const targets = all.map(({ target }) => target);
    for (const name of names) expect(targets.filter((target) => target === path(name))).toHaveLength(1);
  });

  it('has one line for what was refused and for what changed nothing', async () => {
    await put('refused', { colour: 'red' });
    expect(await outcomesOf(path('refused'))).toEqual(['bad_request']);
    await hub.ask({ method: 'DELETE', path: path('absent') });
    expect(await outcomesOf(path('absent'))).toEqual(['not_found']);
    const secret = '/api/v1/projects/default/secrets/same';
    const body = { spec: { type: 'registry', registry: 'r.example', username: 'u', password: 'p' } };
    await hub.ask({ method: 'PUT', path: secret, body });
    await hub.ask({ method: 'PUT', path: secret, body });
    expect(await outcomesOf(secret)).toEqual(['ok', 'ok']);
  });

  it.each([
    ['a node', 'PUT', '/api/v1/projects/default/nodes/lost', { spec: {} }],
    ['a device', 'PUT', '/api/v1/projects/default/devices/lost', { spec: {} }],
    ['a project', 'PUT', '/api/v1/projects/lost', {}],
    ['an API token', 'POST', '/api/v1/tokens', { name: 'lost', role: 'viewer' }],
  ])('and %s are changed together or not at all', async (_what, method, at, body) => {
    await hub.query('ALTER TABLE audit RENAME TO audit_away');
    const answer = await hub.ask({ method, path: at, body });
    await hub.query('ALTER TABLE audit_away RENAME TO audit');
    expect(answer.status).toBe(500);
    const list = await hub.ask({ method: 'GET', path: method === 'POST' ? at : at.replace('/lost', '') });
    expect(JSON.stringify(list.body)).not.toContain('"lost"');
    expect((await hub.ask({ method, path: at, body })).status).toBeLessThan(300);
    expect((await lines()).at(-1)).toMatchObject({ outcome: 'ok' });
  });
});
