import { type EdgeError, toEdgeError } from '@selvage/protocol';
import { daysLeft } from '@selvage/pki';
import { type Clock, Reconciler, type Step } from '@selvage/reconcile';
import type { Logger } from 'pino';
import type { IdentityFile } from './identity-file.js';
import { type Current, dueAt, waits } from './due.js';
import { type Ask, askHub, Renewal, type RenewalOptions } from './renewal.js';

const STEP_TIMEOUT_MS = 60_000;
const OBSERVE_TIMEOUT_MS = 30_000;
/** A clock that is set does not move timers: the time is looked at again now and then. */
const RESYNC_MS = 60 * 60_000;

export interface CertificatesOptions {
  readonly identity: IdentityFile;
  readonly meta: RenewalOptions['meta'];
  readonly clock: Clock;
  /** 0 to 1; `Math.random` unless given. */
  readonly random?: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Names and addresses of this machine, for devices that connect to its broker. */
  readonly hosts?: () => readonly string[];
  /** The hub over HTTPS unless given. */
  readonly ask?: Ask;
  /** Told after a new certificate is on the disk. */
  readonly renewed: () => void;
}

/** How the certificate stands. Times in epoch milliseconds. */
export interface CertificateStatus {
  readonly serial: string;
  readonly notAfter: number;
  readonly daysLeft: number;
  readonly renewAt: number;
  readonly renewing: boolean;
  /** Why it could not be renewed. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Keeps the certificate of this node good. */
export interface Certificates {
  start(): void;
  stop(): Promise<void>;
  readonly status: CertificateStatus;
}

export function createCertificates(options: CertificatesOptions): Certificates {
  const { identity, meta, clock, random, log, hosts, ask = askHub, renewed } = options;
  const poke = (): void => {
    loop.poke();
  };
  const noun = new Renewal({ identity, meta, clock, log, ask, renewed, poke, ...(hosts && { hosts }) });
  const loop = new Reconciler<number, Current, Step>(noun, {
    clock,
    ...(random && { random }),
    get backoff() {
      return waits(noun.observe(), isFinal(noun.failure));
    },
    resyncMs: RESYNC_MS,
    concurrency: 1,
    observeTimeoutMs: OBSERVE_TIMEOUT_MS,
    stepTimeoutMs: STEP_TIMEOUT_MS,
    onError: (error) => {
      log.error({ err: toEdgeError(error) }, 'a look at the certificate failed');
    },
  });
  return {
    start: () => {
      loop.start();
    },
    stop: async () => {
      await loop.stop();
      noun.rest();
    },
    get status() {
      const current = noun.observe();
      const { failure } = noun;
      return {
        serial: current.serial,
        notAfter: current.notAfter,
        daysLeft: daysLeft(current, noun.now()),
        renewAt: dueAt(current),
        renewing: noun.renewing,
        ...(failure && { failure: { code: failure.code, message: failure.message } }),
      };
    },
  };
}

function isFinal(failure: EdgeError | undefined): boolean {
  return failure?.code === 'certificate_revoked' || failure?.code === 'certificate_expired';
}
