import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { EdgeError, type Endpoint, endpoints } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { lastValueFrom, of, throwError } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { AuditInterceptor } from './audit.interceptor.js';
import { FailedLogins } from './failed-logins.js';
import type { Change } from './change-notes.js';
import { RequestHooks } from './registries.js';

describe('the audit log', () => {
  let noted: Change[];
  let interceptor: AuditInterceptor;
  beforeEach(() => {
    noted = [];
    const hooks = new RequestHooks();
    hooks.recordChanges((change) => Promise.resolve(void noted.push(change)));
    interceptor = new AuditInterceptor(hooks);
  });

  const ask = (endpoint: Endpoint, more: object, error?: EdgeError): Promise<unknown> => {
    const url = `${endpoint.path}?x=1`;
    const request = { method: endpoint.method, url, endpoint, params: {}, query: {}, id: 'r1', ...more };
    const context = new ExecutionContextHost([request]);
    const handle = () => (error === undefined ? of('answer') : throwError(() => error));
    return lastValueFrom(interceptor.intercept(context, { handle }));
  };
  const login = (username: string, error?: EdgeError): Promise<unknown> =>
    ask(endpoints.session.login, { body: { username, password: 'hidden' } }, error).catch(() => undefined);

  it('names what a request makes, from its path or its body', async () => {
    expect(await ask(endpoints.tokens.make, { body: { name: 'ci', role: 'admin' } })).toBe('answer');
    await ask(endpoints.tokens.make, { body: { name: 'not a name: hidden' } });
    const path = '/api/v1/projects/p/nodes/n1/join-token';
    await ask(endpoints.nodes.join, { url: path, params: { project: 'p', name: 'n1' }, body: { name: 'x' } });
    expect(noted.map(({ target }) => target)).toEqual(['/api/v1/tokens/ci', '/api/v1/tokens', path]);
    expect(noted[2]).toMatchObject({ project: 'p', outcome: 'ok' });
  });

  it('has a login with a wrong password once a minute, and no other login', async () => {
    const wrong = new EdgeError('wrong_password', '');
    await login('eve');
    await login('eve', new EdgeError('database_unavailable', ''));
    await login('eve', wrong);
    await login('eve', wrong);
    await login('m'.repeat(80), wrong);
    const action = { action: 'login', target: '/api/v1/login', outcome: 'wrong_password', requestId: 'r1' };
    expect(noted).toEqual([
      { ...action, actor: 'eve' },
      { ...action, actor: 'm'.repeat(64) },
    ]);
  });

  it('is not filled by somebody who guesses', async () => {
    const clock = new FakeClock();
    const failed = new FailedLogins(clock);
    const all = Array.from({ length: 100 }, (_, index) => failed.take(`n${index}`));
    expect(all.filter(Boolean)).toHaveLength(60);
    await clock.advance(59_999);
    expect(failed.take('n0')).toBe(false);
    await clock.advance(1);
    expect([failed.take('n0'), failed.take('n0')]).toEqual([true, false]);
  });
});
