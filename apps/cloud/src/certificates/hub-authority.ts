import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { type Authority, exists, hubId, newKeyPair, openAuthority } from '@selvage/pki';
import { EdgeError } from '@selvage/protocol';
import { type Cancel, type Clock, systemClock } from '@selvage/reconcile';
import { HubConfig } from '../config.js';
import { Database, MasterKey, notItsHub } from '../db/index.js';
import { TlsPort } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { CertificateRow } from './certificates.entity.js';
import { renewalDue } from './certificates.rules.js';

const LOOK_MS = 600_000;
const RETRY_MS = 60_000;

/** The hub's certificate authority, and the certificate that the hub itself shows on its TLS port. */
@Injectable()
export class HubAuthority {
  private readonly clock: Clock = systemClock;
  private opened: Authority | undefined;
  private cancel: Cancel | undefined;

  constructor(
    private readonly config: HubConfig,
    private readonly masterKey: MasterKey,
    @Inject(TlsPort) private readonly port: Pick<TlsPort, 'use'>,
    private readonly db: Database,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Opens the authority, making it at the first start, and gives the TLS port its credentials. */
  async start(): Promise<void> {
    const path = join(this.config.data, 'authority.json');
    const passphrase = this.masterKey.passphraseFor('authority');
    const known = await this.db.mark('authority');
    // A new authority would be a stranger to every node that the database knows.
    if (!(await exists(path)) && (known !== undefined || (await this.db.read.existsBy(CertificateRow, {}))))
      throw notItsHub(`${path} is missing`, known);
    this.opened = await openAuthority(path, { passphrase, now: this.clock.now(), name: 'Selvage' });
    const { rootSha256 } = this.opened;
    if (known === undefined) await this.db.setMark('authority', rootSha256);
    else if (known !== rootSha256) throw notItsHub(`${path} is another one`, known);
    await this.renew();
  }

  stop(): void {
    this.cancel?.();
  }

  /** Signs nodes' requests. @throws EdgeError `overloaded` before `start`. */
  get authority(): Authority {
    if (this.opened === undefined) throw new EdgeError('overloaded', 'The hub is still starting.');
    return this.opened;
  }

  /** Names the hub: the beginning of its root certificate's hash. */
  get hubId(): string {
    return hubId(this.authority.root);
  }

  /** The key is made anew each time and is in memory only: the hub's own certificate is of no use to whoever copies its disk. */
  private async renew(): Promise<void> {
    const { authority } = this;
    const now = this.clock.now();
    const { publicKey, privateKey } = await newKeyPair();
    const subject = { publicKey, name: this.hubId, hosts: this.config.names };
    const { chain, notAfter, serial } = await authority.issueHub(subject, { days: this.config.certificateDays, now });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    this.port.use({ key, chain, roots: authority.root });
    const until = new Date(notAfter).toISOString();
    this.log.info({ serial, notAfter: until, names: this.config.names }, 'hub certificate issued');
    this.watch({ from: now, due: renewalDue(new Date(now).toISOString(), until) });
  }

  /** Looks at the wall clock again and again instead of setting one long timer: it may be set right after the start, either way. */
  private watch(life: { readonly from: number; readonly due: number }): void {
    const left = Math.max(1000, life.due - this.clock.now());
    this.cancel = this.clock.timer(Math.min(left, LOOK_MS), () => {
      const now = this.clock.now();
      if (now >= life.from && now < life.due) this.watch(life);
      else
        this.renew().catch((error: unknown) => {
          this.log.error({ err: error }, 'hub certificate not issued');
          this.cancel = this.clock.timer(RETRY_MS, () => {
            this.watch(life);
          });
        });
    });
  }
}
