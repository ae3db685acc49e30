import { createPrivateKey, X509Certificate } from 'node:crypto';
import { EdgeError } from '@selvage/protocol';
import { FakeClock, settled, type TempDir, tempDir, until } from '@selvage/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Certificates, createCertificates, IdentityFile } from './index.js';
import { TestHub } from './test-hub.js';

const DAY = 86_400_000;
const start = Date.UTC(2030, 0, 1);
const node = { project: 'default', node: 'edge-1' };

describe('the certificate of a node', () => {
  let folder: TempDir;
  let hub: TestHub;
  let clock: FakeClock;
  let file: IdentityFile;
  let certificates: Certificates;
  let renewals: number;
  let meta: Map<string, string>;
  let passes: number;
  const warnings: string[] = [];

  const make = (random = 0.5): Certificates =>
    createCertificates({
      identity: file,
      meta: {
        get: (key) => meta.get(key),
        set: (key, value) => {
          meta.set(key, value);
          return Promise.resolve();
        },
      },
      clock,
      random: () => random,
      log: {
        info: () => undefined,
        warn: (about: object) => warnings.push(JSON.stringify(about)),
        error: () => passes++,
      },
      ask: async (_identity, request) => {
        hub.lifetime = { ...hub.lifetime, now: hubTime() };
        return hub.renew(request);
      },
      renewed: () => (renewals += 1),
    });
  /** The hub has a clock of its own. */
  let hubTime = (): number => clock.now();
  const asked = (): number => hub.heard.length;
  const held = (): X509Certificate => new X509Certificate(file.held.chain);
  /** Signing happens on other threads: the fake clock does not wait for it. */
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await until(() => !certificates.status.renewing, { timeoutMs: 5_000 });
    await settled();
  };
  const untilDue = (): number => certificates.status.renewAt - clock.now() + 1;

  beforeEach(async () => {
    [folder, clock, meta] = [tempDir(), new FakeClock(start), new Map<string, string>()];
    [renewals, passes] = [0, 0];
    warnings.length = 0;
    hubTime = () => clock.now();
    hub = await TestHub.create(start);
    file = new IdentityFile(folder.path);
    await file.save(await hub.identity(node));
    certificates = make();
  });
  afterEach(async () => {
    await certificates.stop();
    expect(passes).toBe(0);
    folder.remove();
  });

  it('is left alone for the first part of its life', async () => {
    certificates.start();
    await pass(50 * DAY);
    expect(asked()).toBe(0);
    expect(certificates.status).toMatchObject({ daysLeft: 40 });
  });

  it('is renewed with a new key at about two thirds of its life, and again after that', async () => {
    const before = file.held;
    certificates.start();
    await pass(untilDue());
    expect([asked(), renewals]).toEqual([1, 1]);
    expect(file.held.key).not.toBe(before.key);
    expect(held().checkPrivateKey(createPrivateKey(file.held.key))).toBe(true);
    expect(await new IdentityFile(folder.path).load()).toEqual(file.held);
    await pass(untilDue());
    expect(renewals).toBe(2);
  });

  it('is renewed at a moment that is drawn once', () => {
    const { renewAt } = certificates.status;
    expect(make().status.renewAt).toBe(renewAt);
    expect((renewAt - start) / (90 * DAY)).toBeGreaterThan(0.56);
    expect((renewAt - start) / (90 * DAY)).toBeLessThan(0.77);
  });

  it('that lasts seconds is renewed in time all the same', async () => {
    hub.lifetime = { days: 20 / 86_400, now: start };
    await file.save(await hub.identity(node));
    certificates.start();
    await pass(5_000);
    expect(renewals).toBe(0);
    await pass(12_000);
    expect(renewals).toBe(1);
    hub.refuse = new EdgeError('hub_unreachable', '');
    await pass(17_000);
    for (let second = 0; second < 10; second += 1) await pass(1_000);
    expect(asked()).toBeGreaterThan(4);
  });

  it('that expired while the node was off is renewed at the start', async () => {
    clock.jumpWall(start + 100 * DAY);
    certificates.start();
    await pass(0);
    expect(renewals).toBe(1);
    expect(certificates.status.daysLeft).toBe(90);
  });

  it('is tried again, less and less often, while the hub is away; the old one stays', async () => {
    const before = file.held;
    hub.refuse = new EdgeError('hub_unreachable', 'no route');
    clock.jumpWall(certificates.status.renewAt);
    certificates.start();
    await pass(0);
    for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
    expect(asked()).toBeGreaterThan(4);
    expect(asked()).toBeLessThan(12);
    expect(file.held).toBe(before);
    expect(certificates.status.failure).toMatchObject({ code: 'hub_unreachable' });
    hub.refuse = undefined;
    for (let minute = 0; minute < 60; minute += 1) await pass(60_000);
    expect(renewals).toBe(1);
    expect(certificates.status.failure).toBeUndefined();
  });

  it('that was revoked is asked for every five minutes at most, and says so', async () => {
    hub.refuse = new EdgeError('certificate_revoked', 'By an operator.');
    certificates = make(1);
    clock.jumpWall(certificates.status.renewAt);
    certificates.start();
    await pass(0);
    for (let minute = 0; minute < 120; minute += 1) await pass(60_000);
    const after = asked();
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000);
    expect(asked() - after).toBe(2);
    expect(certificates.status.failure?.message).toContain('revoked');
    expect(warnings[0]).toContain('revoked');
  });

  it('is not judged by a clock that fell back to 1970', async () => {
    certificates.start();
    await pass(untilDue());
    expect(renewals).toBe(1);
    await certificates.stop();
    clock.jumpWall(0);
    certificates = make();
    certificates.start();
    await pass(0);
    expect([renewals, certificates.status.daysLeft]).toEqual([1, 90]);
  });

  it('is renewed once more, and then left alone, after a clock that was decades ahead', async () => {
    certificates.start();
    await pass(0);
    hubTime = () => start + DAY;
    clock.jumpWall(Date.UTC(2065, 0, 1));
    hub.refuse = new EdgeError('hub_unreachable', 'its certificate is not valid by this clock');
    await pass(3_600_000);
    clock.jumpWall(start + DAY);
    hub.refuse = undefined;
    for (let minute = 0; minute < 180; minute += 1) await pass(60_000);
    expect(renewals).toBe(1);
    const after = asked();
    await pass(30 * DAY);
    expect(asked()).toBe(after);
  });

  it.each([
    ['of another node', { project: 'default', node: 'edge-2' }],
    ['for another key', node],
  ])('is not replaced by one %s', async (_what, whose) => {
    const [before, wrong] = [file.held, await hub.identity(whose)];
    hub.forge = (issued) => ({ ...issued, chain: wrong.chain });
    clock.jumpWall(certificates.status.renewAt);
    certificates.start();
    await pass(0);
    expect(certificates.status.failure).toMatchObject({ code: 'certificate_invalid' });
    expect(await new IdentityFile(folder.path).load()).toEqual(before);
  });
});
