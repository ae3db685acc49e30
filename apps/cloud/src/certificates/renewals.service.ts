import type { X509Certificate } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { checkRenewal, fingerprintOf, identityOf, keyFingerprint, readCsr, serialOf } from '@selvage/pki';
import { EdgeError, type NodeRef, type RenewRequest } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { HubConfig } from '../config.js';
import { Batcher, Database, type Outcome } from '../db/index.js';
import { forEachAlone, goOn } from './batch-steps.js';
import type { CertificateRow } from './certificates.entity.js';
import { renewalRefusal } from './certificates.rules.js';
import { HubAuthority } from './hub-authority.js';
import { bySerial, held, type IssuedTo, keepIssued } from './issued.service.js';

const BATCH = { size: 200, waiting: 5000 };

/** A renewal whose proof holds. `serial` and `fingerprint` are those of the certificate that it is asked for with. */
interface Ask {
  readonly ref: NodeRef;
  readonly serial: string;
  readonly fingerprint: string;
  readonly csr: string;
  /** Names and addresses of the node's broker. */
  readonly hosts: readonly string[];
}
interface Signed extends Ask, IssuedTo {}

/**
 * Trades certificates for new ones of the same node, for a new key. The old one stays good until its end, because the agent may stop
 * before the new one is on its disk. A disabled node renews too, so that it is not stranded when it is enabled again.
 */
@Injectable()
export class Renewals {
  private readonly clock: Clock = systemClock;
  private readonly batches = new Batcher<Ask, IssuedTo>((asks) => this.work(asks), BATCH);

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    private readonly authority: HubAuthority,
  ) {}

  /** @throws EdgeError `certificate_invalid`, `certificate_revoked`, `certificate_expired`, `csr_refused`. */
  async renew(request: RenewRequest): Promise<IssuedTo> {
    const current = await checkRenewal(request);
    if (!this.authority.authority.signed(current))
      throw new EdgeError('certificate_invalid', 'Another authority signed it; join the node again.');
    await refuseSameKey(current, request.csr);
    const [ref, serial, fingerprint] = [nodeOf(current), serialOf(current), fingerprintOf(current)];
    return this.batches.run({ ref, serial, fingerprint, csr: request.csr, hosts: request.hosts ?? [] });
  }

  private async work(asks: readonly Ask[]): Promise<Outcome<IssuedTo>[]> {
    const now = this.clock.now();
    const serials = asks.map(({ serial }) => serial);
    const decided = this.decide(asks, await bySerial(this.db.read, serials), now);
    const signed = await goOn(decided, (good) => forEachAlone(good, (ask) => this.sign(ask, now)));
    return goOn(signed, (good) =>
      this.db.write(async (tx) => {
        const still = this.decide(good, await bySerial(tx, serials, held(tx)), now);
        return goOn(still, async (renewals) => {
          await keepIssued(tx, renewals);
          return renewals.map(({ ref, issued }) => ({ ok: { ref, issued } }));
        });
      }),
    );
  }

  private decide<A extends Ask>(
    asks: readonly A[],
    stored: ReadonlyMap<string, CertificateRow>,
    now: number,
  ): Outcome<A>[] {
    const given = { now, graceDays: this.config.renewGraceDays };
    return asks.map((ask) => {
      const error = renewalRefusal(stored.get(ask.serial), ask, given);
      return error === undefined ? { ok: ask } : { error };
    });
  }

  private async sign(ask: Ask, now: number): Promise<Signed> {
    const lifetime = { days: this.config.certificateDays, now };
    return {
      ...ask,
      issued: await this.authority.authority.issueNode(ask.csr, { ...ask.ref, hosts: ask.hosts }, lifetime),
    };
  }
}

async function refuseSameKey(current: X509Certificate, csr: string): Promise<void> {
  const spki = current.publicKey.export({ type: 'spki', format: 'der' });
  if (keyFingerprint(spki) === keyFingerprint((await readCsr(csr)).spki))
    throw new EdgeError('csr_refused', 'It is for the key of the current certificate; a renewal needs a new key.');
}

function nodeOf(certificate: X509Certificate): NodeRef {
  const identity = identityOf(certificate);
  if (identity.kind === 'node') return { project: identity.project, node: identity.name };
  throw new EdgeError('certificate_invalid', `It is of a ${identity.kind}, not of a node.`);
}
