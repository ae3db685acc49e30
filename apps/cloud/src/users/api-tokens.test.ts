import { endpoints } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { type TestAnswer, TestHub } from '../test-hub.js';

describe.each(DIALECTS)('an API token on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start(await databases.fresh());
  });
  afterAll(() => hub.stop());

  const make = (body: object, token?: string): Promise<TestAnswer> =>
    hub.ask({ method: 'POST', path: endpoints.tokens.make.path, body, ...(token !== undefined && { token }) });

  it('is not made for projects that do not exist, which are named', async () => {
    const refused = await make({ name: 'ci', role: 'viewer', projects: ['nope', 'default', 'gone'] });
    expect(refused.body).toMatchObject({ code: 'bad_request', detail: 'projects: there is no nope, gone.' });
  });

  it('has a name of its own, also when many ask for it at once', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => make({ name: 'once', role: 'viewer' })));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(all.filter(({ code }) => code === 'already_exists')).toHaveLength(9);
  });

  it('makes none that outlives it', async () => {
    const own = await hub.makeToken({ name: 'short', role: 'admin', expiresInSeconds: 600 });
    expect(await make({ name: 'ever', role: 'viewer' }, own)).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await make({ name: 'longer', role: 'viewer', expiresInSeconds: 660 }, own)).toMatchObject({ status: 403 });
    expect(await make({ name: 'shorter', role: 'viewer', expiresInSeconds: 60 }, own)).toMatchObject({ status: 201 });
  });
});
