import type { X509Certificate } from 'node:crypto';
import { fingerprintOf, identityOf } from '@selvage/pki';
import { EdgeError } from '@selvage/protocol';
import type { Clock } from '@selvage/reconcile';
import type { Place, Principal } from './acl.js';
import { certificateKey, type Credentials, isSame } from './credentials.js';
import { sourceOf } from './login-rest.js';
import type { Admission, Introduction } from './mqtt-broker.js';
import { Passwords, type Shown } from './passwords.js';

export interface IdentifyOptions {
  readonly place: Place;
  /** What the hub says now. */
  readonly credentials: () => Credentials;
  /** Whether a client of the plain listener that names no user is let in. */
  readonly anonymousLoopback: () => boolean;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

const LOCAL: Principal = { kind: 'local', id: 'local' };

/**
 * Says who a client is: by its certificate, which counts for more than what it says, by its user name and password, or as a program of
 * this node where the owner opened the plain listener.
 */
export class Identification {
  readonly #options: IdentifyOptions;
  readonly #passwords: Passwords;

  constructor(options: IdentifyOptions) {
    this.#options = options;
    this.#passwords = new Passwords(options.clock);
  }

  readonly identify = async ({ peer, username, password }: Introduction): Promise<Admission | undefined> => {
    if (peer.certificate !== undefined) return this.#byCertificate(peer.certificate);
    if (username !== undefined) {
      const shown = { username, password: password ?? Buffer.alloc(0), source: sourceOf(peer.address) };
      return this.#byLogin(shown);
    }
    const isAllowed = (): boolean => peer.listener === 'plain' && this.#options.anonymousLoopback();
    return isAllowed() ? { who: LOCAL, isCurrent: isAllowed } : undefined;
  };

  #byCertificate(certificate: X509Certificate): Admission | undefined {
    const named = this.#namedBy(certificate);
    if (named === undefined) return undefined;
    const key = certificateKey(named, fingerprintOf(certificate));
    const endsAt = Date.parse(certificate.validTo);
    // A TLS session that is resumed was verified when it began, which may be before the end.
    const find = (): Principal | undefined =>
      this.#options.clock.now() < endsAt ? this.#options.credentials().certificates.get(key) : undefined;
    return admission(find, endsAt);
  }

  /** The device or app of this project that a certificate names. */
  #namedBy(certificate: X509Certificate): Pick<Principal, 'kind' | 'id'> | undefined {
    try {
      const identity = identityOf(certificate);
      const isClient = identity.kind === 'device' || identity.kind === 'app';
      if (!isClient || identity.project !== this.#options.place.project) return undefined;
      return { kind: identity.kind, id: identity.name };
    } catch (error) {
      if (error instanceof EdgeError) return undefined;
      throw error;
    }
  }

  async #byLogin(shown: Shown): Promise<Admission | undefined> {
    const { username } = shown;
    const login = this.#options.credentials().logins.get(username);
    if (login === undefined || !(await this.#passwords.isRight(shown, login.passwordHash))) return undefined;
    return admission(() => {
      const now = this.#options.credentials().logins.get(username);
      return now?.passwordHash === login.passwordHash ? now.who : undefined;
    });
  }
}

/** An admission that holds for as long as the same client is found with the same rights. */
function admission(find: () => Principal | undefined, endsAt?: number): Admission | undefined {
  const who = find();
  return who && { who, endsAt, isCurrent: () => isSame(who, find()) };
}
