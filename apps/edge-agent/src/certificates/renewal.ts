import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type EdgeError, enrolment, type IssuedCertificate, type RenewRequest, toEdgeError } from '@selvage/protocol';
import { createCsr, newKeyPair, readCertificate, serialOf, signRenewal, splitChain } from '@selvage/pki';
import type { Cancel, Clock, Noun, Step, View } from '@selvage/reconcile';
import type { Logger } from 'pino';
import { checkIssued } from './check-issued.js';
import { post } from './hub-http.js';
import type { IdentityFile, NodeIdentity } from './identity-file.js';
import { type Current, dueAt, goodTime, isNews, plan } from './due.js';

const SEEN = 'certificates.seen';

/** Puts the request to the hub. */
export type Ask = (identity: NodeIdentity, request: RenewRequest) => Promise<IssuedCertificate>;

export interface RenewalOptions {
  readonly identity: IdentityFile;
  readonly meta: { get(key: string): string | undefined; set(key: string, value: string): Promise<void> };
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly ask: Ask;
  /** Names and addresses of this machine, for devices that connect to its broker. */
  readonly hosts?: () => readonly string[];
  /** Told after a new certificate is on the disk. */
  readonly renewed: () => void;
  readonly poke: () => void;
}

/** The certificate of this node as a noun of the reconcile loop: wanted is one that is good for more than a third of its life. */
export class Renewal implements Noun<number, Current, Step> {
  readonly name = 'certificates';
  readonly #options: RenewalOptions;
  #wake: Cancel | undefined;
  #failure: EdgeError | undefined;
  #renewing = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  /** Why the last try to renew failed; absent when none did since the last that succeeded. */
  get failure(): EdgeError | undefined {
    return this.#failure;
  }

  /** Whether a renewal is under way. */
  get renewing(): boolean {
    return this.#renewing;
  }

  /** The time by which the certificate is judged. */
  now(): number {
    return goodTime(this.#options.clock.now(), this.#seen());
  }

  /** The moment for which a certificate is wanted. */
  async desired(): Promise<number> {
    const { clock, meta } = this.#options;
    const wall = clock.now();
    if (isNews(wall, this.#seen())) await meta.set(SEEN, String(wall));
    return this.now();
  }

  observe(): Current {
    return currentOf(this.#options.identity.held);
  }

  plan(now: number, current: Current): readonly Step[] {
    return plan(current, now);
  }

  async apply(_step: Step, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    this.#renewing = true;
    try {
      await this.#renew(signal);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = toEdgeError(error);
      log.warn({ code: this.#failure.code, reason: this.#failure.message }, 'the certificate could not be renewed');
      throw error;
    } finally {
      this.#renewing = false;
    }
  }

  report({ desired: now, observed: current }: View<number, Current, Step>): void {
    const { clock, poke } = this.#options;
    this.rest();
    const wait = dueAt(current) - now;
    if (wait > 0) this.#wake = clock.timer(wait, poke);
  }

  /** Drops the timer for the next renewal. */
  rest(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { identity: file, ask, log, meta, renewed, hosts = () => [] } = this.#options;
    const identity = file.held;
    const { key, request } = await newRequest(identity);
    signal.throwIfAborted();
    const { chain, ca } = await ask(identity, { ...request, hosts: [...hosts()] });
    // Its own roots, not those of before: a hub that proved to be ours may replace its authority.
    checkIssued({ chain, ca, key, node: identity });
    const next = { ...identity, key, chain, ca };
    await file.save(next);
    const { serial, notBefore, notAfter } = currentOf(next);
    // The hub signed its own time: a clock that was ahead once no longer counts.
    await meta.set(SEEN, String(notBefore));
    log.info({ serial, notAfter: new Date(notAfter).toISOString() }, 'renewed the certificate');
    renewed();
  }

  #seen(): number {
    return Number(this.#options.meta.get(SEEN)) || 0;
  }
}

/** Asks the hub over HTTPS; works with an expired certificate too, for no client certificate is shown. */
export const askHub: Ask = ({ hubUrl, ca }, request) => {
  const { path, answer } = enrolment.renew;
  return post({ hubUrl, path, ca, body: request }, answer);
};

/** The certificate of an identity as it is judged. */
export function currentOf({ chain }: Pick<NodeIdentity, 'chain'>): Current {
  const certificate = readCertificate(chain);
  return {
    serial: serialOf(certificate),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

async function newRequest(identity: NodeIdentity): Promise<{ key: string; request: RenewRequest }> {
  const pair = await newKeyPair();
  const csr = await createCsr(pair);
  const [certificate = ''] = splitChain(identity.chain);
  const proof = await signRenewal({ certificate, csr, key: createPrivateKey(identity.key) });
  return { key: pem(pair.privateKey), request: { certificate, csr, proof } };
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
