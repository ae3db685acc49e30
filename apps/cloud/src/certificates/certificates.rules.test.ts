import { describe, expect, it } from 'vitest';
import {
  linkRefusal,
  renewalDue,
  renewalRefusal,
  shownCertificate,
  type StoredCertificate,
} from './certificates.rules.js';

const now = Date.parse('2026-03-01T00:00:00.000Z');
const day = 86_400_000;
const iso = (at: number): string => new Date(at).toISOString();
const ref = { project: 'default', node: 'n1' };
const shown = { ref, fingerprint: 'f' };
const stored = (change: Partial<StoredCertificate> = {}): StoredCertificate => ({
  serial: '01',
  fingerprint: 'f',
  kind: 'node',
  project: 'default',
  name: 'n1',
  notBefore: iso(now - day),
  notAfter: iso(now + day),
  revokedAt: null,
  revokedReason: null,
  ...change,
});

describe('a certificate on the link', () => {
  it.each<[string, StoredCertificate | undefined, string | undefined]>([
    ['is admitted', stored(), undefined],
    ['is not known', undefined, 'certificate_invalid'],
    ['is of another kind', stored({ kind: 'hub' }), 'certificate_invalid'],
    ['is of another node', stored({ name: 'n2' }), 'certificate_invalid'],
    ['is of another project', stored({ project: 'p2' }), 'certificate_invalid'],
    ['has the serial of another certificate', stored({ fingerprint: 'g' }), 'certificate_invalid'],
    ['is revoked', stored({ revokedAt: iso(now) }), 'certificate_revoked'],
    ['is expired', stored({ notAfter: iso(now) }), 'certificate_expired'],
  ])('%s', (_what, row, code) => {
    expect(linkRefusal(row, shown, now)?.code).toBe(code);
  });
});

describe('a renewal', () => {
  const given = { now, graceDays: 30 };
  it.each<[string, StoredCertificate | undefined, string | undefined]>([
    ['is allowed before the end', stored(), undefined],
    ['is allowed in the grace window', stored({ notAfter: iso(now - 29 * day) }), undefined],
    ['is refused after the grace window', stored({ notAfter: iso(now - 30 * day) }), 'certificate_expired'],
    [
      'is refused to a revoked certificate',
      stored({ revokedAt: iso(now), revokedReason: 'stolen' }),
      'certificate_revoked',
    ],
    ['is refused to an unknown certificate', undefined, 'certificate_invalid'],
  ])('%s', (_what, row, code) => {
    expect(renewalRefusal(row, shown, given)?.code).toBe(code);
  });
});

it('a certificate is due at two thirds of its life', () => {
  expect(renewalDue(iso(now), iso(now + 90 * day))).toBe(now + 60 * day);
});

it('a certificate is shown with its subject, and with its revocation when there is one', () => {
  expect(shownCertificate(stored())).toEqual({
    serial: '01',
    fingerprint: 'f',
    kind: 'node',
    subject: 'default/n1',
    notBefore: iso(now - day),
    notAfter: iso(now + day),
  });
  expect(shownCertificate(stored({ revokedAt: iso(now), revokedReason: 'lost' }))).toMatchObject({
    revokedAt: iso(now),
    revokedReason: 'lost',
  });
});
