import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { Endpoint } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { CALLED } from '../test-hub.js';
import { Access } from './access.js';
import { AccessGuard } from './access.guard.js';
import type { Caller } from './caller.js';
import { Expose } from './expose.js';
import { OpenStreams } from './open-streams.js';
import { RateLimit } from './rate-limit.js';
import { AuthRegistry, RequestHooks } from './registries.js';

const DAY_MS = 86_400_000;

let clock: FakeClock;
let streams: OpenStreams;
beforeEach(() => {
  clock = new FakeClock();
  streams = new OpenStreams(clock);
});

function answer(): ServerResponse {
  const socket = new Socket();
  const made = new ServerResponse(new IncomingMessage(socket));
  made.assignSocket(socket);
  return made;
}

describe('an answer that goes on', () => {
  it('ends with the token that opened it, and with no other', async () => {
    const [mine, also, other] = [answer(), answer(), answer()];
    streams.follow({ tokenId: 'mine' }, mine);
    streams.follow({ tokenId: 'mine' }, also);
    streams.follow({ tokenId: 'other' }, other);
    streams.end(['mine', 'unknown']);
    expect([mine.destroyed, also.destroyed, other.destroyed]).toEqual([true, true, false]);
    await once(mine, 'close');
    streams.endAll();
    expect(other.destroyed).toBe(true);
  });

  it('ends at the moment that its token does', async () => {
    const one = answer();
    streams.follow({ tokenId: 'mine', endsAt: clock.now() + 90 * DAY_MS }, one);
    await clock.advance(90 * DAY_MS - 1);
    expect(one.destroyed).toBe(false);
    await clock.advance(1);
    expect(one.destroyed).toBe(true);
  });

  it('ends soon when the clock is set to a time after the end of its token', async () => {
    const one = answer();
    streams.follow({ tokenId: 'mine', endsAt: clock.now() + DAY_MS }, one);
    clock.jumpWall(clock.now() + 2 * DAY_MS);
    await clock.advance(60_000);
    expect(one.destroyed).toBe(true);
  });

  it('is forgotten when its reader goes', async () => {
    const one = answer();
    streams.follow({ tokenId: 'mine', endsAt: clock.now() + DAY_MS }, one);
    one.destroy();
    await once(one, 'close');
    expect(clock.pending).toBe(0);
  });
});

/** Lets a request with a good token through to an endpoint, and gives the answer that it is to have. */
async function letIn(endpoint: Endpoint, callers: (Caller | undefined)[]): Promise<ServerResponse> {
  const auth = new AuthRegistry();
  auth.set({ authenticate: () => Promise.resolve(callers.shift()) });
  const guard = new AccessGuard(new Reflector(), new Access(auth, new RequestHooks()), new RateLimit(), streams);
  const handler = (): void => undefined;
  Expose(endpoint)({}, 'handler', { value: handler });
  const raw = answer();
  const request = { headers: { authorization: 'Bearer good' }, params: { project: 'mine' }, query: {} };
  await guard.canActivate(new ExecutionContextHost([request, { raw }], Object, handler));
  return raw;
}

describe('the guard', () => {
  const caller = { username: 'u', role: 'admin', tokenId: 'mine' } as const;

  it.each(CALLED.filter(([, { stream }]) => stream !== undefined))(
    'ends %s with its token',
    async (_name, endpoint) => {
      const raw = await letIn(endpoint, [caller, caller]);
      streams.end(['mine']);
      expect(raw.destroyed).toBe(true);
    },
  );

  it.each(CALLED.filter(([, { stream }]) => stream !== undefined))(
    'opens no %s with a token that is revoked meanwhile',
    async (_name, endpoint) => {
      await expect(letIn(endpoint, [caller, undefined])).rejects.toMatchObject({ code: 'unauthenticated' });
    },
  );
});
