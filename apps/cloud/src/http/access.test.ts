import { endpoints, type Role } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLED, requestOf, TestHub } from '../test-hub.js';

const RANK: Readonly<Record<string, number>> = { viewer: 0, operator: 1, admin: 2 };
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];
/** What tokens reach: everything, the project asked for, another one, or both. */
const REACHES: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['all', undefined],
  ['mine', ['mine']],
  ['other', ['other']],
  ['both', ['mine', 'other']],
];

let hub: TestHub;
const tokens = new Map<string, string>();
beforeAll(async () => {
  hub = await TestHub.start();
  for (const name of ['mine', 'other', 'third'])
    await hub.ask({ method: 'PUT', path: `/api/v1/projects/${name}`, body: {} });
  // What is in use is not deleted, whoever is allowed to ask for it.
  await hub.ask({ method: 'PUT', path: '/api/v1/projects/mine/nodes/kept', body: { spec: {} } });
  for (const role of ROLES)
    for (const [reach, projects] of REACHES)
      tokens.set(`${role} ${reach}`, await hub.makeToken({ name: `${role}-${reach}`, role, projects }));
});
afterAll(() => hub.stop());

const tokenOf = (who: string): string => {
  const token = tokens.get(who);
  if (token === undefined) throw new Error(`there is no token "${who}"`);
  return token;
};
const itemsOf = (body: unknown): Record<string, unknown>[] => (body as { items: Record<string, unknown>[] }).items;

describe.each(CALLED)('%s', (_name, endpoint) => {
  it('refuses who is not logged in', async () => {
    for (const token of ['nobody', ''])
      expect(await hub.ask({ ...requestOf(endpoint, 'mine'), token })).toMatchObject({
        status: 401,
        code: 'unauthenticated',
      });
  });

  it.each(ROLES.flatMap((role) => REACHES.map(([reach, projects]) => ({ role, reach, projects }))))(
    'is open to the role $role with the reach $reach exactly when its role and its scope say so',
    async ({ role, reach, projects }) => {
      const isRole = (RANK[role] ?? -1) >= (RANK[endpoint.role] ?? 9);
      const isReach =
        endpoint.scope === 'hub'
          ? projects === undefined
          : endpoint.scope !== 'project' || (projects?.includes('mine') ?? true);
      const answer = await hub.ask({ ...requestOf(endpoint, 'mine'), token: tokenOf(`${role} ${reach}`) });
      if (isRole && isReach) expect([401, 403, 500]).not.toContain(answer.status);
      else expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
    },
  );
});

describe('an administrator whose token is limited to a project', () => {
  const token = (): string => tokenOf('admin mine');
  const named = (name: string): string => endpoints.tokens.remove.path.replace('{name}', name);

  it('sees only the tokens that reach no further', async () => {
    const { body } = await hub.ask({ method: 'GET', path: endpoints.tokens.list.path, token: token() });
    expect(itemsOf(body).map(({ name }) => name)).toEqual(['admin-mine', 'operator-mine', 'viewer-mine']);
    const pages = await hub.ask({ method: 'GET', path: `${endpoints.tokens.list.path}?limit=2`, token: token() });
    const { cursor } = pages.body as { cursor: string };
    const rest = await hub.ask({
      method: 'GET',
      path: `${endpoints.tokens.list.path}?limit=2&cursor=${cursor}`,
      token: token(),
    });
    expect(rest.body).toEqual({ items: [expect.objectContaining({ name: 'viewer-mine' })] });
  });

  it.each(['viewer-all', 'viewer-other', 'viewer-both', 'no-such'])('does not revoke %s', async (name) => {
    expect(await hub.ask({ method: 'DELETE', path: named(name), token: token() })).toMatchObject({ code: 'not_found' });
  });

  it('revokes a token of its project', async () => {
    await hub.makeToken({ name: 'short', role: 'viewer', projects: ['mine'] }, token());
    expect(await hub.ask({ method: 'DELETE', path: named('short'), token: token() })).toMatchObject({ status: 204 });
  });

  it('reads the audit of its project and nothing of others', async () => {
    for (const project of ['mine', 'other'])
      await hub.ask({ method: 'PUT', path: `/api/v1/projects/${project}/nodes/audited`, body: { spec: {} } });
    const { body } = await hub.ask({ method: 'GET', path: endpoints.audit.list.path, token: token() });
    expect(itemsOf(body).map(({ target }) => target)).toContain('/api/v1/projects/mine/nodes/audited');
    expect(new Set(itemsOf(body).map(({ project }) => project))).toEqual(new Set(['mine']));
    const whole = await hub.ask({ method: 'GET', path: endpoints.audit.list.path });
    expect(new Set(itemsOf(whole.body).map(({ project }) => project)).size).toBeGreaterThan(2);
  });

  it('sees only its projects', async () => {
    const { body } = await hub.ask({ method: 'GET', path: endpoints.projects.list.path, token: token() });
    expect(itemsOf(body).map(({ name }) => name)).toEqual(['mine']);
  });
});

describe('the live feed of an administrator whose token is limited to a project', () => {
  it('says nothing of what is outside', async () => {
    const answer = await hub.open({ method: 'GET', path: endpoints.live.events.path, token: tokenOf('admin mine') });
    const text = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    await hub.ask({ method: 'PUT', path: '/api/v1/projects/third', body: { description: 'changed' } });
    await hub.ask({ method: 'PUT', path: '/api/v1/projects/other/nodes/heard', body: { spec: {} } });
    await hub.ask({ method: 'PUT', path: '/api/v1/projects/mine/nodes/heard', body: { spec: {} } });
    let heard = '';
    while (!heard.includes('mine')) heard += (await text?.read())?.value ?? '';
    await text?.cancel();
    expect(heard).not.toMatch(/third|other/);
  });
});
