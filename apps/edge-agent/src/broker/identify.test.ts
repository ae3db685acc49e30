import { X509Certificate } from 'node:crypto';
import { Authority, createCsr, fingerprintOf, newKeyPair } from '@selvage/pki';
import { desiredDevices } from '@selvage/protocol';
import { FakeClock } from '@selvage/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, credentialsOf } from './credentials.js';
import { Identification } from './identify.js';
import type { Admission } from './mqtt-broker.js';

const DAY_MS = 86_400_000;

describe('a client certificate', () => {
  let clock: FakeClock;
  let certificate: X509Certificate;
  let fingerprint: string;
  let credentials: Credentials;
  let identification: Identification;

  const known = (fingerprints: readonly string[]): Credentials =>
    credentialsOf(
      desiredDevices.parse({
        devices: [
          {
            ...{ id: 'lamp', name: 'lamp', description: '', properties: {}, attributes: {}, visitors: {} },
            credentials: { fingerprints, logins: [] },
          },
        ],
        clients: [],
      }),
    );
  const admit = (): Promise<Admission | undefined> =>
    identification.identify({ peer: { listener: 'tls', certificate }, username: undefined, password: undefined });

  beforeEach(async () => {
    clock = new FakeClock();
    const files = await Authority.create({ passphrase: 'x', now: clock.now(), name: 'ours' });
    const authority = Authority.load(files, 'x');
    const of = { kind: 'device', project: 'default', name: 'lamp' } as const;
    const csr = await createCsr(await newKeyPair());
    const { chain } = await authority.issueClient(csr, of, { days: 1, now: clock.now() });
    certificate = new X509Certificate(chain);
    fingerprint = fingerprintOf(certificate);
    credentials = known([fingerprint]);
    identification = new Identification({
      ...{ clock, place: { project: 'default', node: 'n1' }, credentials: () => credentials },
      anonymousLoopback: () => false,
    });
  });

  it('says who its client is and until when', async () => {
    const admission = await admit();
    expect(admission).toMatchObject({ who: { kind: 'device', id: 'lamp' } });
    expect(admission?.endsAt).toBe(clock.now() + DAY_MS);
    expect(admission?.isCurrent()).toBe(true);
  });

  it('does not count when it has run out, whatever the TLS session says that its client resumes', async () => {
    const before = await admit();
    await clock.advance(DAY_MS);
    expect(await admit()).toBeUndefined();
    expect(before?.isCurrent()).toBe(false);
  });

  it('does not count when it is revoked', async () => {
    const before = await admit();
    credentials = known([]);
    expect(await admit()).toBeUndefined();
    expect(before?.isCurrent()).toBe(false);
  });
});
