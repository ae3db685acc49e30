import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { tempDir } from '@selvage/testkit';
import { describe, expect, it } from 'vitest';
import { readOrCreateKey, writePrivate } from './files.js';
import { hashPassword, verifyPassword } from './password.js';
import { deriveKey, seal, unseal } from './sealed.js';
import { daysLeft, judge, renewAt } from './validity.js';

const key = randomBytes(32);

describe('a sealed box', () => {
  it('opens with its key at its place only, whatever is in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), (plain, at) => {
        const box = seal(key, plain, 'secrets/a');
        expect(unseal(key, box, 'secrets/a')).toEqual(Buffer.from(plain));
        expect(() => unseal(randomBytes(32), box, 'secrets/a')).toThrow('does not open');
        expect(() => unseal(key, box, 'secrets/b')).toThrow('does not open');
        const changed = Buffer.from(box);
        changed[at % box.length] = (changed[at % box.length] ?? 0) ^ 1;
        expect(() => unseal(key, changed, 'secrets/a')).toThrow('does not open');
      }),
      { numRuns: 50 },
    );
  });

  it('never looks the same twice, and purposes have keys of their own', () => {
    expect(seal(key, Buffer.from('x'), 'a')).not.toEqual(seal(key, Buffer.from('x'), 'a'));
    expect(deriveKey(key, 'a')).not.toEqual(deriveKey(key, 'b'));
    expect(deriveKey(key, 'a')).toEqual(deriveKey(key, 'a'));
  });

  it.each([0, 5, 28])('of %i bytes does not open', (length) => {
    expect(() => unseal(key, Buffer.alloc(length), 'a')).toThrow('does not open');
  });
});

describe('a private file', () => {
  it('is written whole, 0600 in 0700, and leaves nothing else behind', async () => {
    const folder = tempDir();
    const path = join(folder.path, 'deep', 'file');
    await writePrivate(path, 'one');
    await writePrivate(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder.path, 'deep'))).toEqual(['file']);
    folder.remove();
  });

  it('with a key is made once and refused when it was cut', async () => {
    const folder = tempDir();
    const path = join(folder.path, 'key');
    expect(await readOrCreateKey(path)).toEqual(await readOrCreateKey(path));
    writeFileSync(path, 'short');
    await expect(readOrCreateKey(path)).rejects.toMatchObject({ code: 'key_file_unreadable' });
    folder.remove();
  });
});

describe('a password', () => {
  it('fits its own hash only', async () => {
    const hash = await hashPassword('correct horse');
    expect(hash).not.toContain('correct');
    expect(await verifyPassword('correct horse', hash)).toBe(true);
    expect(await verifyPassword('wrong horse', hash)).toBe(false);
    expect(await verifyPassword('correct horse', 'garbage')).toBe(false);
  });
});

describe('a certificate of ninety days', () => {
  const DAY = 86_400_000;
  const validity = { notBefore: 0, notAfter: 90 * DAY };

  it.each([
    [-1, 'not_yet_valid'],
    [0, 'valid'],
    [59, 'valid'],
    [60, 'renew_due'],
    [90, 'renew_due'],
    [91, 'expired_in_grace'],
    [120, 'expired_in_grace'],
    [121, 'expired'],
  ])('on day %i is %s', (day, judgement) => {
    expect(judge(validity, { now: day * DAY, graceDays: 30 })).toBe(judgement);
  });

  it('is renewed at two thirds of its life, a tenth of it earlier or later', () => {
    expect([0, 0.5, 1].map((chance) => Math.round(renewAt(validity, chance) / DAY))).toEqual([51, 60, 69]);
  });

  it('has whole days left, or a negative number of them', () => {
    expect([0, 89.5, 91].map((day) => daysLeft(validity, day * DAY))).toEqual([90, 0, -1]);
  });
});
