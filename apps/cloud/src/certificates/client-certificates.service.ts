import { Inject, Injectable } from '@nestjs/common';
import { type ClientIdentity, createCsr, newKeyPair, subjectOf } from '@selvage/pki';
import { type ClientCertificate, EdgeError } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { type EntityManager, In, IsNull, MoreThan } from 'typeorm';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { LiveFeed } from '../http/index.js';
import { LOG, type Logger } from '../log/index.js';
import { CertificateRow } from './certificates.entity.js';
import { HubAuthority } from './hub-authority.js';
import { keepClient } from './issued.service.js';
import { pieces } from './refs.rules.js';

/** Valid certificates that one device or app may have: as many as the broker is told of. */
const MOST = 16;
const NAMES = 500;

/** Runs in the transaction that keeps a new certificate, and refuses when there is nobody to have it. */
export type HolderCheck = (tx: EntityManager) => Promise<void>;

/** Certificates of devices and apps, by which the broker of a node knows them. */
@Injectable()
export class ClientCertificates {
  private readonly clock: Clock = systemClock;

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    private readonly authority: HubAuthority,
    private readonly feed: LiveFeed,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /**
   * Issues a certificate for the key of a CSR, or for a key pair made here: its private key is in the answer and nowhere else.
   * @throws EdgeError `csr_refused`, `in_use` when there are too many valid ones, and what `check` throws.
   */
  async issue(holder: ClientIdentity, csr: string | undefined, check: HolderCheck): Promise<ClientCertificate> {
    const made = csr === undefined ? await newRequest() : { csr };
    const { authority } = this.authority;
    const lifetime = { days: this.config.deviceCertificateDays, now: this.clock.now() };
    const issued = await authority.issueClient(made.csr, holder, lifetime);
    await this.db.write(async (tx) => {
      // Taken first: on PostgreSQL it keeps other changes out, so that the count below stays true.
      await this.db.nextRevision(tx);
      await check(tx);
      const have = (await this.valid(holder, [holder.name], tx)).get(holder.name) ?? [];
      if (have.length >= MOST) throw tooMany(holder);
      await keepClient(tx, holder, issued);
    });
    const { serial, fingerprint, chain, notAfter } = issued;
    this.feed.changed('certificate', holder.project, serial);
    this.log.info({ [holder.kind]: subjectOf(issued), serial }, 'certificate issued');
    const key = 'key' in made ? { key: made.key } : {};
    const until = new Date(notAfter).toISOString();
    return { serial, fingerprint, subject: subjectOf(issued), notAfter: until, chain, ca: authority.root, ...key };
  }

  /** Fingerprints of the valid certificates of each, oldest first; whoever has none is left out. */
  async valid(
    { kind, project }: Pick<ClientIdentity, 'kind' | 'project'>,
    names: readonly string[],
    from: EntityManager = this.db.read,
  ): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const some of pieces(names, NAMES)) {
      const of = { kind, project, name: In(some), revokedAt: IsNull(), notAfter: MoreThan(this.now()) };
      const select = { serial: true, name: true, fingerprint: true } as const;
      const order = { notBefore: 'ASC', serial: 'ASC' } as const;
      for (const { name, fingerprint } of await from.find(CertificateRow, { select, where: of, order })) {
        const there = found.get(name);
        if (there === undefined) found.set(name, [fingerprint]);
        else there.push(fingerprint);
      }
    }
    return found;
  }

  /** Revokes all that a device or app has, in the transaction that deletes it. */
  async revokeAll(tx: EntityManager, { kind, project, name }: ClientIdentity, revokedReason: string): Promise<void> {
    const of = { kind, project, name, revokedAt: IsNull() };
    await tx.update(CertificateRow, of, { revokedAt: this.now(), revokedReason });
  }

  private now(): string {
    return new Date(this.clock.now()).toISOString();
  }
}

async function newRequest(): Promise<{ csr: string; key: string }> {
  const keys = await newKeyPair();
  return { csr: await createCsr(keys), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function tooMany({ kind, name }: ClientIdentity): EdgeError {
  return new EdgeError('in_use', `The ${kind} "${name}" has ${MOST} valid certificates; revoke one of them first.`);
}
