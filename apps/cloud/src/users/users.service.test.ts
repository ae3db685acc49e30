import { EdgeError } from '@selvage/protocol';
import { describe, expect, it } from 'vitest';
import type { Database } from '../db/index.js';
import { RequestHooks } from '../http/index.js';
import { Users } from './users.service.js';

const admin = { username: 'admin', role: 'admin', tokenId: 't' } as const;

describe('an API token', () => {
  const hooks = new RequestHooks();
  const users = new Users({} as Database, hooks);
  const make = (projects: string[]): Promise<unknown> =>
    users.makeToken(admin, { name: 'ci', role: 'viewer', projects });

  it('is not made for projects that do not exist, which are named', async () => {
    hooks.checkProjects((project) =>
      project === 'default' ? Promise.resolve() : Promise.reject(new EdgeError('not_found', project)),
    );
    const detail = 'projects: there is no nope, gone.';
    await expect(make(['nope', 'default', 'gone'])).rejects.toMatchObject({ code: 'bad_request', detail });
  });

  it('is not refused for what only the database is to blame for', async () => {
    hooks.checkProjects(() => Promise.reject(new EdgeError('database_unavailable', '')));
    await expect(make(['default'])).rejects.toMatchObject({ code: 'database_unavailable' });
  });
});
