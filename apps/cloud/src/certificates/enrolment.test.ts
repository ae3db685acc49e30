import { X509Certificate } from 'node:crypto';
import { Authority, fingerprintOf, identityOf, serialOf } from '@selvage/pki';
import { type Certificate, issuedCertificate } from '@selvage/protocol';
import { type TempDir, tempDir } from '@selvage/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Retention } from '../db/index.js';
import { DIALECTS, testDatabases } from '../db/test-databases.js';
import { oldCertificates, oldJoinTokens } from './forgetting.service.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';
import type { JoinedNode } from './certificates.service.js';
import { CertificatesStage, machine, renewal } from './test-stage.js';

const DAY_MS = 86_400_000;
const nodeRef = (node: string) => ({ project: 'default', node });
const serial = (chain: string): string => serialOf(new X509Certificate(chain));

describe.each(DIALECTS)('on %s', (dialect) => {
  const databases = testDatabases(dialect);
  let folder: TempDir;
  let stage: CertificatesStage;
  const joins: JoinedNode[] = [];

  beforeAll(async () => {
    folder = tempDir();
    stage = await CertificatesStage.open(folder.path, await databases.fresh());
    stage.certificates.onJoined((_tx, nodes) => Promise.resolve(void joins.push(...nodes)));
  });
  afterAll(async () => {
    await stage.close();
    folder.remove();
  });

  const peer = (chain: string, node: string) => {
    const leaf = new X509Certificate(chain);
    return {
      ref: nodeRef(node),
      serial: serialOf(leaf),
      fingerprint: fingerprintOf(leaf),
      agent: '0.1.0',
      protocol: 1,
    };
  };
  const listed = async (node: string): Promise<Certificate[]> =>
    (await stage.certificates.list(nodeRef(node), { limit: 100 })).items;
  const ended = (chain: string, daysAgo: number): Promise<unknown> =>
    stage.db.write((tx) =>
      tx.update(
        CertificateRow,
        { serial: serial(chain) },
        { notAfter: new Date(Date.now() - daysAgo * DAY_MS).toISOString() },
      ),
    );

  describe('the hub', () => {
    it('shows a certificate of its own authority for its names, with a key that is on no disk', () => {
      const [shown] = stage.port.shown;
      const leaf = new X509Certificate(shown?.chain ?? '');
      expect(leaf.checkHost('localhost')).toBe('localhost');
      expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
      expect(identityOf(leaf)).toEqual({ kind: 'hub', name: stage.authority.hubId });
      expect(shown?.roots).toBe(stage.authority.authority.root);
    });
  });

  describe('a join', () => {
    it('gives a certificate that names the node and opens the link', async () => {
      const { csr } = await machine();
      const answer = await stage.port.ask('/join', { token: await stage.token(nodeRef('n1')), csr });
      expect(issuedCertificate.parse(answer)).toMatchObject(nodeRef('n1'));
      expect(identityOf(new X509Certificate(answer.chain))).toEqual({ kind: 'node', project: 'default', name: 'n1' });
      await stage.certificates.admissible(peer(answer.chain, 'n1'));
      await expect(stage.certificates.admissible(peer(answer.chain, 'n2'))).rejects.toMatchObject({
        code: 'certificate_invalid',
      });
      expect(joins.at(-1)).toMatchObject({ ref: nodeRef('n1') });
      expect(await stage.certificates.newestEnds('default', ['n1', 'none'])).toEqual(
        new Map([['n1', answer.notAfter]]),
      );
    });

    it('keeps nothing of the token but a hash', async () => {
      const token = await stage.token(nodeRef('n1'));
      const rows = JSON.stringify(await stage.db.read.find(JoinTokenRow));
      expect(rows).not.toContain(token.split('.')[3]);
    });

    it('works again for the key that used the token, and for no other', async () => {
      const [first, second] = [await machine(), await machine()];
      const token = await stage.token(nodeRef('n2'));
      const again = await Promise.all([1, 2].map(() => stage.port.ask('/join', { token, csr: first.csr, node: 'n2' })));
      again.push(await stage.port.ask('/join', { token, csr: first.csr }));
      for (const { chain } of again) await stage.certificates.admissible(peer(chain, 'n2'));
      await expect(stage.port.ask('/join', { token, csr: second.csr })).rejects.toMatchObject({ code: 'token_used' });
    });

    it('that fails does not fail those that came with it', async () => {
      const [good, foreign, damaged] = [await machine(), await machine('default/other'), await machine()];
      const tokens = await Promise.all(['n3', 'n4', 'n5'].map((node) => stage.token(nodeRef(node))));
      const asked = [good, foreign, damaged].map(({ csr }, at) => ({ token: tokens[at] ?? '', csr }));
      const [ok, wrongName, unknown] = await Promise.allSettled([
        stage.port.ask('/join', asked[0]),
        stage.port.ask('/join', asked[1]),
        stage.port.ask('/join', { ...asked[2], token: asked[2]?.token.replace(/\.[^.]{43}\./, `.${'A'.repeat(43)}.`) }),
      ]);
      expect(ok).toMatchObject({ value: nodeRef('n3') });
      expect(wrongName).toMatchObject({ reason: { code: 'csr_refused' } });
      expect(unknown).toMatchObject({ reason: { code: 'token_invalid' } });
      expect(await listed('n4')).toEqual([]);
    });

    it('with a new token replaces the machine that was the node before', async () => {
      const before = await stage.joined(nodeRef('n6'));
      stage.sessions.open(nodeRef('n6'), serial(before.chain));
      const after = await stage.joined(nodeRef('n6'));
      expect(stage.sessions.ended.at(-1)).toEqual(['default/n6', 'certificate_revoked']);
      await expect(stage.certificates.admissible(peer(before.chain, 'n6'))).rejects.toThrow('replaced by a new join');
      await stage.certificates.admissible(peer(after.chain, 'n6'));
      await expect(stage.port.ask('/renew', await renewal(before, await machine()))).rejects.toMatchObject({
        code: 'certificate_revoked',
      });
    });

    it('is refused with the problems of its body, and counted', async () => {
      const refusal = stage.port.ask('/join', { token: 'x', csr: 1, extra: true });
      await expect(refusal).rejects.toMatchObject({
        code: 'bad_request',
        detail: expect.stringMatching(/token: /) as string,
      });
      const text = await stage.metrics.registry.metrics();
      expect(text).toMatch(/selvage_enrolment_refused_total\{code="bad_request"\} 1/);
      expect(text).toMatch(/selvage_certificates_issued_total\{how="join"\} \d/);
    });

    it('is given to each of many machines at once', async () => {
      const asked = await Promise.all(
        Array.from({ length: 450 }, async (_, at) => ({
          token: await stage.token(nodeRef(`m${at}`)),
          ...(await machine()),
        })),
      );
      const answers = await Promise.all(asked.map(({ token, csr }) => stage.port.ask('/join', { token, csr })));
      expect(answers.map(({ node }) => node)).toEqual(asked.map((_, at) => `m${at}`));
      const ends = await stage.certificates.newestEnds(
        'default',
        asked.map((_, at) => `m${at}`),
      );
      expect(ends.size).toBe(450);
      await Promise.all(answers.map(({ chain, node }) => stage.certificates.admissible(peer(chain, node))));
    });
  });

  describe('a renewal', () => {
    it('gives a certificate for a new key; the old one stays good', async () => {
      const [current, next] = [await stage.joined(nodeRef('r1')), await machine('default/r1')];
      const renewed = await stage.port.ask('/renew', await renewal(current, next));
      expect(renewed).toMatchObject(nodeRef('r1'));
      for (const { chain } of [current, renewed]) await stage.certificates.admissible(peer(chain, 'r1'));
      const third = await renewal({ keys: next.keys, chain: renewed.chain }, await machine());
      await stage.port.ask('/renew', third);
      expect(await listed('r1')).toHaveLength(3);
    });

    it('is refused for the same key, another name, a proof by another key, and the certificate of another authority', async () => {
      const current = await stage.joined(nodeRef('r2'));
      const stranger = await machine();
      const passphrase = { passphrase: 'p', now: Date.now(), name: 'other' };
      const other = Authority.load(await Authority.create(passphrase), 'p');
      const foreign = await other.issueNode(current.csr, nodeRef('r2'), { days: 1, now: Date.now() });
      const refused: [object, string][] = [
        [await renewal(current, current), 'csr_refused'],
        [await renewal(current, await machine('default/r1')), 'csr_refused'],
        [await renewal({ ...current, keys: stranger.keys }, stranger), 'certificate_invalid'],
        [await renewal({ ...current, chain: foreign.chain }, stranger), 'certificate_invalid'],
        [{ certificate: 'x', csr: 'y', proof: 'z' }, 'certificate_invalid'],
      ];
      for (const [body, code] of refused) await expect(stage.port.ask('/renew', body)).rejects.toMatchObject({ code });
      expect(await listed('r2')).toHaveLength(1);
    });

    it('works after the end within the grace window, not later', async () => {
      const current = await stage.joined(nodeRef('r3'));
      await ended(current.chain, 29);
      await expect(stage.certificates.admissible(peer(current.chain, 'r3'))).rejects.toMatchObject({
        code: 'certificate_expired',
      });
      await stage.port.ask('/renew', await renewal(current, await machine()));
      await ended(current.chain, 31);
      await expect(stage.port.ask('/renew', await renewal(current, await machine()))).rejects.toMatchObject({
        code: 'certificate_expired',
      });
    });
  });

  describe('a certificate', () => {
    it('is revoked at once, with the link that it opened', async () => {
      const [old, next] = [await stage.joined(nodeRef('c1')), await machine()];
      const renewed = await stage.port.ask('/renew', await renewal(old, next));
      stage.sessions.open(nodeRef('c1'), serial(renewed.chain));
      const count = stage.sessions.ended.length;
      await stage.certificates.revoke({ project: 'default', serial: serial(old.chain) }, 'lost');
      expect(stage.sessions.ended).toHaveLength(count);
      const revoked = await stage.certificates.revoke({ project: 'default', serial: serial(renewed.chain) }, 'lost');
      expect(revoked).toMatchObject({ revokedReason: 'lost' });
      expect(stage.sessions.ended.at(-1)).toEqual(['default/c1', 'certificate_revoked']);
      await expect(stage.certificates.admissible(peer(renewed.chain, 'c1'))).rejects.toThrow('lost');
      const again = await stage.certificates.revoke({ project: 'default', serial: serial(renewed.chain) }, 'other');
      expect(again).toEqual(revoked);
      expect((await stage.certificates.newestEnds('default', ['c1'])).size).toBe(0);
    });

    it('of another project is not found', async () => {
      const { chain } = await stage.joined(nodeRef('c2'));
      const refusal = stage.certificates.revoke({ project: 'other', serial: serial(chain) }, '');
      await expect(refusal).rejects.toMatchObject({ code: 'not_found' });
    });

    it('is revoked with all others of its node, and the tokens are withdrawn', async () => {
      const { chain } = await stage.joined(nodeRef('c3'));
      const open = await stage.token(nodeRef('c3'));
      await stage.db.write((tx) => stage.certificates.revokeAll(tx, nodeRef('c3'), 'the node was deleted'));
      await expect(stage.certificates.admissible(peer(chain, 'c3'))).rejects.toThrow('the node was deleted');
      const { csr } = await machine();
      await expect(stage.port.ask('/join', { token: open, csr })).rejects.toMatchObject({ code: 'token_invalid' });
    });

    it('is listed with the others of its node in pages, newest first', async () => {
      let current = await stage.joined(nodeRef('c4'));
      for (let round = 0; round < 4; round += 1) {
        const next = await machine();
        current = { ...current, ...next, ...(await stage.port.ask('/renew', await renewal(current, next))) };
      }
      const pages: string[][] = [];
      for (let cursor: string | undefined; ;) {
        const page = await stage.certificates.list(nodeRef('c4'), { limit: 2, cursor });
        pages.push(page.items.map((item) => item.serial));
        if ((cursor = page.cursor) === undefined) break;
      }
      expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
      expect(new Set(pages.flat()).size).toBe(5);
      await expect(stage.certificates.list(nodeRef('c4'), { limit: 2, cursor: 'x' })).rejects.toThrow('cursor');
    });

    it('is forgotten more than a year after its end when it was replaced or revoked, and not while its holder may come back', async () => {
      const replaced = await stage.joined(nodeRef('c5'));
      await stage.port.ask('/renew', await renewal(replaced, await machine()));
      const last = await stage.joined(nodeRef('c6'));
      const withdrawn = await stage.joined(nodeRef('c7'));
      await stage.certificates.revoke({ project: 'default', serial: serial(withdrawn.chain) }, 'lost');
      for (const { chain } of [replaced, last, withdrawn]) await ended(chain, 366);
      const retention = new Retention(stage.db, stage.log);
      retention.add(oldCertificates(stage.db));
      retention.add(oldJoinTokens(stage.db));
      expect([...(await retention.run()).values()]).toEqual([2, 0]);
      expect(await Promise.all(['c4', 'c5', 'c6'].map(listed))).toMatchObject([
        { length: 5 },
        { length: 1 },
        { length: 1 },
      ]);
    });
  });
});
