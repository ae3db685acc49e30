import { scryptSync } from 'node:crypto';
import { FakeClock } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { sourceOf } from './login-rest.js';
import { Passwords } from './passwords.js';

/** A hash that costs next to nothing. */
function cheapHash(password: string): string {
  const salt = Buffer.alloc(16, 's');
  const key = scryptSync(password, salt, 32, { N: 2, r: 1, p: 1 });
  return `scrypt$2$1$1$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

describe('a wrong password', () => {
  const hash = cheapHash('right');
  let clock: FakeClock;
  let passwords: Passwords;
  const shows = (password: string, username: string, source: string): Promise<boolean> =>
    passwords.isRight({ username, source, password: Buffer.from(password) }, hash);

  beforeEach(() => {
    clock = new FakeClock();
    passwords = new Passwords(clock);
  });

  it('lets its user name rest for that address, longer each time', async () => {
    expect(await shows('wrong', 'lamp', 'here')).toBe(false);
    expect(await shows('right', 'lamp', 'here')).toBe(false);
    await clock.advance(1_000);
    expect(await shows('wrong', 'lamp', 'here')).toBe(false);
    await clock.advance(1_000);
    expect(await shows('right', 'lamp', 'here')).toBe(false);
    await clock.advance(1_000);
    expect(await shows('right', 'lamp', 'here')).toBe(true);
  });

  it('locks nobody out who comes from elsewhere, however often it is shown', async () => {
    for (let at = 0; at < 50; at += 1) {
      await shows('wrong', 'lamp', 'attacker');
      await clock.advance(500);
    }
    expect(await shows('right', 'lamp', 'attacker')).toBe(false);
    expect(await shows('right', 'lamp', 'device')).toBe(true);
  });

  it('lets an address rest that tries one name after the other, and forgives it with time', async () => {
    for (let at = 0; at < 20; at += 1) await shows('wrong', `lamp-${at}`, 'attacker');
    expect(await shows('right', 'lamp', 'attacker')).toBe(false);
    expect(await shows('right', 'lamp', 'device')).toBe(true);
    await clock.advance(10_000);
    expect(await shows('right', 'other', 'attacker')).toBe(true);
  });

  it('of one address does not keep others from being looked at', async () => {
    const flood = Array.from({ length: 500 }, (_, at) => shows('wrong', `lamp-${at}`, 'attacker'));
    expect(await shows('right', 'lamp', 'device')).toBe(true);
    expect(await Promise.all(flood)).not.toContain(true);
  });

  it('costs nothing to whoever showed the right one before', async () => {
    expect(await shows('right', 'lamp', 'here')).toBe(true);
    await shows('wrong', 'lamp', 'here');
    expect(await shows('right', 'lamp', 'here')).toBe(true);
  });
});

describe('the address that attempts count for', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    [undefined, ''],
  ])('of %s is %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
