import type { X509Certificate } from 'node:crypto';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { EdgeError, type NodeRef } from '@selvage/protocol';
import { commonNameOf, type Issuer, serialOf, signCertificate } from './certificate.js';
import { checkCsr, type Csr, readCsr } from './csr.js';
import { caSha256, fingerprintOf, readCertificate } from './fingerprint.js';
import { commonName, type Identity, nodeIdentity } from './identity.js';
import { type KeyPair, newKeyPair, spkiOf } from './keys.js';

const DAY_MS = 86_400_000;
const ROOT_DAYS = 20 * 365;
const INTERMEDIATE_DAYS = 10 * 365;

/** An authority as it lies on disk: PEM texts, both private keys encrypted. */
export interface AuthorityFiles {
  readonly rootCertificate: string;
  readonly rootKey: string;
  readonly intermediateCertificate: string;
  readonly intermediateKey: string;
}

/** A certificate that was just made. `chain` is the leaf and the intermediate, PEM. */
export interface Issued {
  readonly chain: string;
  readonly serial: string;
  readonly fingerprint: string;
  readonly identity: Identity;
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A device by its id or an app by its name: whoever talks to the broker of a node. */
export interface ClientIdentity {
  readonly kind: 'device' | 'app';
  readonly project: string;
  readonly name: string;
}

/** How long a certificate lasts, in days (fractions allowed), and the time now in epoch milliseconds. */
export interface Lifetime {
  readonly days: number;
  readonly now: number;
}

/**
 * The hub's certificate authority. A root signs one intermediate and rests encrypted; the intermediate signs everything else.
 * Identity comes from the caller, never from the signing request.
 */
export class Authority {
  /** SHA-256 over the root's DER, base64url: what join tokens carry. */
  readonly rootSha256: string;

  private constructor(
    /** The root certificate, PEM: what agents trust. */
    readonly root: string,
    /** The intermediate certificate, PEM. */
    readonly intermediate: string,
    private readonly issuer: Issuer,
  ) {
    this.rootSha256 = caSha256(root);
  }

  /** Makes a new authority. `passphrase` encrypts its keys; `now` in epoch milliseconds. */
  static async create({
    passphrase,
    now,
    name,
  }: {
    passphrase: string;
    now: number;
    name: string;
  }): Promise<AuthorityFiles> {
    const [root, intermediate] = await Promise.all([newKeyPair(), newKeyPair()]);
    const rootIssuer = issuerOf(`${name} root`, root);
    const rootCertificate = await signCertificate({
      profile: { kind: 'authority', name: rootIssuer.name },
      spki: rootIssuer.spki,
      issuer: rootIssuer,
      from: now,
      to: now + ROOT_DAYS * DAY_MS,
    });
    const intermediateCertificate = await signCertificate({
      profile: { kind: 'authority', name: `${name} intermediate`, pathLength: 0 },
      spki: spkiOf(intermediate.publicKey),
      issuer: rootIssuer,
      from: now,
      to: now + INTERMEDIATE_DAYS * DAY_MS,
    });
    const [rootKey, intermediateKey] = [root, intermediate].map(({ privateKey }) => encrypted(privateKey, passphrase));
    return { rootCertificate, intermediateCertificate, rootKey: rootKey ?? '', intermediateKey: intermediateKey ?? '' };
  }

  /**
   * Opens an authority for signing. The root's key stays closed.
   * @throws EdgeError `key_file_unreadable` when the passphrase does not fit or the files do not belong together.
   */
  static load(files: AuthorityFiles, passphrase: string): Authority {
    const certificate = readCertificate(files.intermediateCertificate);
    const key = decrypted(files.intermediateKey, passphrase);
    const root = readCertificate(files.rootCertificate);
    if (!certificate.checkPrivateKey(key) || !certificate.verify(root.publicKey)) {
      throw new EdgeError('key_file_unreadable', 'The keys and certificates of the authority do not belong together.');
    }
    const name = commonNameOf(certificate.subject);
    const issuer = { name, key, spki: spkiOf(certificate.publicKey) };
    return new Authority(files.rootCertificate, files.intermediateCertificate, issuer);
  }

  /**
   * Signs a node's request, PEM or read before. Of the request, only the public key is used. `hosts`: names and addresses of the node's own broker.
   * @throws EdgeError `csr_refused`.
   */
  async issueNode(
    request: string | Csr,
    { hosts = [], ...node }: NodeRef & { readonly hosts?: readonly string[] },
    lifetime: Lifetime,
  ): Promise<Issued> {
    const identity = nodeIdentity(node);
    const csr = typeof request === 'string' ? await readCsr(request) : request;
    checkCsr(csr, identity);
    return this.issue({ identity, spki: csr.spki, hosts }, lifetime);
  }

  /**
   * Signs the request of a device or an app. Of the request, only the public key is used.
   * @throws EdgeError `csr_refused`.
   */
  async issueClient(csrPem: string, identity: ClientIdentity, lifetime: Lifetime): Promise<Issued> {
    const csr = await readCsr(csrPem);
    checkCsr(csr, identity);
    return this.issue({ identity, spki: csr.spki }, lifetime);
  }

  /** Makes the certificate of the hub's own TLS port, for the names and addresses under which it is reached. */
  issueHub(
    { publicKey, name, hosts }: { publicKey: KeyObject; name: string; hosts: readonly string[] },
    lifetime: Lifetime,
  ): Promise<Issued> {
    return this.issue({ identity: { kind: 'hub', name }, spki: spkiOf(publicKey), hosts }, lifetime);
  }

  /** Whether this authority signed a certificate, however long ago it expired. */
  signed(certificate: X509Certificate): boolean {
    return certificate.verify(createPublicKey({ key: this.issuer.spki, type: 'spki', format: 'der' }));
  }

  private async issue(
    subject: { identity: Identity; spki: Buffer; hosts?: readonly string[] },
    { days, now }: Lifetime,
  ): Promise<Issued> {
    const { spki, ...profile } = subject;
    const to = now + days * DAY_MS;
    const pem = await signCertificate({
      profile: { kind: 'leaf', ...profile },
      spki,
      issuer: this.issuer,
      from: now,
      to,
    });
    const certificate = readCertificate(pem);
    return {
      chain: pem + this.intermediate,
      serial: serialOf(certificate),
      fingerprint: fingerprintOf(certificate),
      identity: subject.identity,
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    };
  }
}

/** `project/name` of whom an issued certificate identifies. */
export function subjectOf({ identity }: Pick<Issued, 'identity'>): string {
  return commonName(identity);
}

function issuerOf(name: string, { publicKey, privateKey }: KeyPair): Issuer {
  return { name, spki: spkiOf(publicKey), key: privateKey };
}

function encrypted(key: KeyObject, passphrase: string): string {
  return key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
}

function decrypted(pem: string, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch (cause) {
    throw new EdgeError('key_file_unreadable', "The authority's key does not open: is the master key the right one?", {
      cause,
    });
  }
}
