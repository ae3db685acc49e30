import { endpoints } from '@selvage/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestHub } from '../test-hub.js';

describe('the live feed', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await TestHub.start();
  });
  afterAll(() => hub.stop());

  /** Listens; `end` resolves when the hub ends it. */
  async function listen(token: string): Promise<{ end: Promise<'ended'> }> {
    const { path } = endpoints.live.events;
    const answer = await hub.open({ method: 'GET', path, token });
    expect(answer.status).toBe(200);
    const reader = answer.body?.getReader();
    const end = async (): Promise<'ended'> => {
      for (;;) {
        try {
          if ((await reader?.read())?.done !== false) return 'ended';
        } catch (error) {
          if (error instanceof TypeError && error.message === 'terminated') return 'ended';
          throw error;
        }
      }
    };
    return { end: end() };
  }
  const refused = async (token: string): Promise<void> => {
    expect(await hub.ask({ method: 'GET', path: '/api/v1/me', token })).toMatchObject({ status: 401 });
  };

  it('ends when its API token is revoked, and not with another', async () => {
    const [one, other] = [
      await hub.makeToken({ name: 'one', role: 'viewer' }),
      await hub.makeToken({ name: 'other', role: 'viewer' }),
    ];
    const feeds = [await listen(one), await listen(one)];
    const going = await listen(other);
    await hub.ask({ method: 'DELETE', path: '/api/v1/tokens/one' });
    expect(await Promise.all(feeds.map(({ end }) => end))).toEqual(['ended', 'ended']);
    await refused(one);
    expect(await Promise.race([going.end, hub.ask({ method: 'GET', path: '/api/v1/me' })])).not.toBe('ended');
    await hub.ask({ method: 'DELETE', path: '/api/v1/tokens/other' });
    expect(await going.end).toBe('ended');
  });

  it('ends when its user logs out', async () => {
    const token = await hub.login();
    const feed = await listen(token);
    await hub.ask({ method: 'POST', path: endpoints.session.logout.path, token });
    expect(await feed.end).toBe('ended');
    await refused(token);
  });

  it('ends for all other logins of a user whose password changes', async () => {
    const [lost, own] = [await hub.login(), await hub.login()];
    const [feed, kept] = [await listen(lost), await listen(own)];
    const body = { current: TestHub.PASSWORD, next: 'another long password' };
    expect(await hub.ask({ method: 'PUT', path: endpoints.session.password.path, body, token: own })).toMatchObject({
      status: 204,
    });
    expect(await feed.end).toBe('ended');
    await refused(lost);
    expect(await Promise.race([kept.end, hub.ask({ method: 'GET', path: '/api/v1/me', token: own })])).not.toBe(
      'ended',
    );
  });
});
