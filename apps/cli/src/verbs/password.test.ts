import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, FakeHub } from '../fake-hub.js';

const hub = new FakeHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());
beforeEach(() => {
  hub.reset();
});

const LOGIN = '/api/v1/projects/default/devices/lamp/login';
const done = (what: string): void => {
  hub.on(what, (_asked, to) => {
    to.writeHead(204).end();
  });
};

describe('a password', () => {
  it('of one’s own is changed by the one before', async () => {
    done('PUT /api/v1/me/password');
    const { out } = await cli(hub, ['password', '--password-stdin'], { input: 'the old one\nlong enough now\n' });
    expect(out).toBe('Your password is changed.\n');
    expect(hub.asked[0]?.body).toEqual({ current: 'the old one', next: 'long enough now' });
  });

  it('of a device comes with a user name, which is its own name unless said otherwise', async () => {
    done(`PUT ${LOGIN}`);
    const input = 'long enough now\r\n';
    await cli(hub, ['password', 'device/lamp', '--password-stdin'], { input });
    const { out } = await cli(hub, ['password', 'device/lamp', '--username', 'u', '--password-stdin'], { input });
    expect(out).toBe('device/lamp logs in as "u" with this password from now on\n');
    expect(hub.asked.map(({ body }) => body)).toEqual([
      { username: 'lamp', password: 'long enough now' },
      { username: 'u', password: 'long enough now' },
    ]);
  });

  it('of a device is taken away', async () => {
    done(`DELETE ${LOGIN}`);
    const { out } = await cli(hub, ['password', 'device/lamp', '--remove']);
    expect(out).toBe('device/lamp has no user name and password any more\n');
  });

  it.each([
    [['password', '--password-stdin'], 'only one line\n', 'current password and new password, a line each'],
    [['password', 'device/lamp', '--password-stdin'], '', 'password of device/lamp, a line each'],
    [['password', 'device/lamp'], undefined, 'use --password-stdin'],
    [['password', '--remove'], undefined, 'name it'],
    [['password', 'app/web'], undefined, 'is not one of device, client'],
  ])('is not changed by %j', async (args, input, words) => {
    const { code, err } = await cli(hub, args, input === undefined ? {} : { input });
    expect([code, hub.asked.length]).toEqual([2, 0]);
    expect(err).toContain(words);
  });
});
