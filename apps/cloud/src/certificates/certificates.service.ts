import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Certificate, EdgeError, type ListQuery, nodeKey, type NodeRef } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { type EntityManager, In, IsNull, LessThan } from 'typeorm';
import { Batcher, Database, type Outcome } from '../db/index.js';
import { LiveFeed } from '../http/index.js';
import { type Admission, type Session, Sessions } from '../link/index.js';
import { LOG, type Logger } from '../log/index.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';
import { linkRefusal, revoked, shownCertificate } from './certificates.rules.js';
import { certificateCursor, readCertificateCursor } from './cursor.rules.js';
import { HubAuthority } from './hub-authority.js';
import { bySerial, held } from './issued.service.js';
import { pieces } from './refs.rules.js';
import { tokenId } from './tokens.rules.js';

const NAMES = 500;
const LOOKUPS = { size: 500, waiting: 20_000 };

/** A node that a machine has just joined as; `at` ISO 8601. */
export interface JoinedNode {
  readonly ref: NodeRef;
  readonly at: string;
}
/** Whose certificates are meant: those of a node, or of a device or app on a broker. */
export type CertificateHolder = Pick<CertificateRow, 'kind' | 'project' | 'name'>;
/** Told, after the commit, that a certificate was revoked. */
export type RevokedListener = (holder: CertificateHolder) => void;
/** Throws `not_found` for a node that is not there. */
export type NodeCheck = (ref: NodeRef) => Promise<unknown>;
/** What another slice does when nodes join, in the same transaction, with a bounded number of queries. */
export type JoinHook = (tx: EntityManager, joins: readonly JoinedNode[]) => Promise<void>;

/** A certificate on the link; the fingerprint was compared before when the link is open already. */
interface Shown extends Pick<Admission, 'ref' | 'serial'> {
  readonly fingerprint?: string;
}

/** Which certificates there are, who may use them, and the tokens that new ones are got with. */
@Injectable()
export class Certificates {
  private readonly clock: Clock = systemClock;
  private nodeCheck: NodeCheck = () => Promise.resolve();
  private readonly joinHooks: JoinHook[] = [];
  private readonly revokedListeners: RevokedListener[] = [];
  private readonly lookups = new Batcher<Shown, undefined>((peers) => this.lookUp(peers), LOOKUPS);
  private tlsPort: number | undefined;

  constructor(
    private readonly db: Database,
    private readonly authority: HubAuthority,
    @Inject(Sessions) private readonly sessions: Pick<Sessions, 'find' | 'end'>,
    private readonly feed: LiveFeed,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Says which port the TLS port got. */
  listening(port: number): void {
    this.tlsPort = port;
  }

  /** The port that agents reach the hub at; undefined before it listens. */
  get port(): number | undefined {
    return this.tlsPort;
  }

  /** Asks a slice which nodes there are. */
  checkNodes(check: NodeCheck): void {
    this.nodeCheck = check;
  }

  /** Calls a slice when nodes join. */
  onJoined(hook: JoinHook): void {
    this.joinHooks.push(hook);
  }

  /** Tells a slice when a certificate of one of its own was revoked by an operator. */
  onRevoked(listener: RevokedListener): void {
    this.revokedListeners.push(listener);
  }

  /** Tells the other slices, inside the transaction of the join. */
  async joined(tx: EntityManager, joins: readonly JoinedNode[]): Promise<void> {
    for (const hook of this.joinHooks) await hook(tx, joins);
  }

  /** Makes a join token for a node that exists. Its text is in the answer and nowhere else. */
  async makeToken(
    tx: EntityManager,
    ref: NodeRef,
    ttlSeconds: number,
  ): Promise<{ readonly token: string; readonly expiresAt: string }> {
    const secret = randomBytes(32).toString('base64url');
    const expiresAt = this.iso(ttlSeconds * 1000);
    const unused = { usedKey: null, usedAt: null, revokedAt: null };
    await tx.insert(JoinTokenRow, { id: tokenId(secret), ...ref, createdAt: this.iso(), expiresAt, ...unused });
    return {
      token: ['selvage1', ref.project, ref.node, secret, this.authority.authority.rootSha256].join('.'),
      expiresAt,
    };
  }

  /** Revokes all certificates and withdraws all tokens of a node. After the commit, the caller ends its link. */
  async revokeAll(tx: EntityManager, { project, node }: NodeRef, revokedReason: string): Promise<void> {
    const revokedAt = this.iso();
    await tx.update(JoinTokenRow, { project, node, revokedAt: IsNull() }, { revokedAt });
    const of = { kind: 'node', project, name: node, revokedAt: IsNull() } as const;
    // A renewal under way holds the row it started from: wait for it, so that its new certificate is revoked too.
    await tx.find(CertificateRow, { where: of, ...held(tx) });
    await tx.update(CertificateRow, of, { revokedAt, revokedReason });
  }

  /** When the newest unrevoked certificate of each node ends, ISO 8601; nodes without one are left out. */
  async newestEnds(project: string, nodes: readonly string[]): Promise<Map<string, string>> {
    const ends = new Map<string, string>();
    for (const some of pieces(nodes, NAMES)) {
      const rows = await this.db.read
        .createQueryBuilder(CertificateRow, 'certificate')
        .select('certificate.name', 'name')
        .addSelect('MAX(certificate.notAfter)', 'end')
        .where({ kind: 'node', project, name: In(some), revokedAt: IsNull() })
        .groupBy('certificate.name')
        .getRawMany<{ name: string; end: string }>();
      for (const { name, end } of rows) ends.set(name, end);
    }
    return ends;
  }

  /** Certificates of a node, newest first; those of a deleted node too. @throws EdgeError `not_found`. */
  async list(ref: NodeRef, query: ListQuery): Promise<{ items: Certificate[]; cursor?: string }> {
    const page = await this.listOf({ kind: 'node', project: ref.project, name: ref.node }, query);
    if (page.items.length === 0) await this.nodeCheck(ref);
    return page;
  }

  /** The same of a device or an app. */
  async listOf(
    { kind, project, name }: CertificateHolder,
    { limit, cursor }: ListQuery,
  ): Promise<{ items: Certificate[]; cursor?: string }> {
    const of = { kind, project, name };
    const found = await this.db.read.find(CertificateRow, {
      where: cursor === undefined ? of : after(cursor).map((place) => ({ ...of, ...place })),
      order: { notBefore: 'DESC', serial: 'DESC' },
      take: limit + 1,
    });
    const rows = found.slice(0, limit);
    const last = rows.at(-1);
    const items = rows.map(shownCertificate);
    return found.length > limit && last ? { items, cursor: certificateCursor(last) } : { items };
  }

  /**
   * Revokes a certificate at once: a link that was opened with it ends. Once more changes nothing.
   * @throws EdgeError `not_found`.
   */
  async revoke({ project, serial }: { project: string; serial: string }, reason: string): Promise<Certificate> {
    const row = await this.db.write((tx) => this.revokeRow(tx, { project, serial, reason }));
    const ref = { project, node: row.name };
    if (row.kind !== 'node') this.feed.changed('certificate', project, serial);
    else {
      if (this.sessions.find(ref)?.serial === serial) this.sessions.end(ref, revoked(row));
      this.announce(ref, serial);
    }
    for (const listener of this.revokedListeners) listener(row);
    this.log.info({ [row.kind]: nodeKey(ref), serial, reason: row.revokedReason }, 'certificate revoked');
    return shownCertificate(row);
  }

  /** Resolves when a node may connect with the certificate it showed. @throws EdgeError that says why not. */
  async admissible({ ref, serial, fingerprint }: Admission): Promise<void> {
    await this.lookups.run({ ref, serial, fingerprint });
  }

  /** The same for a link that is open already. */
  async stillAdmissible({ ref, serial }: Pick<Session, 'ref' | 'serial'>): Promise<void> {
    await this.lookups.run({ ref, serial });
  }

  /** Tells whoever looks that a certificate, and so its node, changed. */
  announce({ project, node }: NodeRef, serial: string): void {
    this.feed.changed('certificate', project, serial);
    this.feed.changed('node', project, node);
  }

  private async revokeRow(
    tx: EntityManager,
    { project, serial, reason }: { project: string; serial: string; reason: string },
  ): Promise<CertificateRow> {
    const row = await tx.findOne(CertificateRow, { where: { project, serial }, ...held(tx) });
    if (row === null) throw new EdgeError('not_found', `There is no certificate ${serial} in project "${project}".`);
    if (row.revokedAt !== null) return row;
    const change = { revokedAt: this.iso(), revokedReason: reason };
    await tx.update(CertificateRow, { serial }, change);
    return { ...row, ...change };
  }

  private async lookUp(peers: readonly Shown[]): Promise<Outcome<undefined>[]> {
    const stored = await bySerial(
      this.db.read,
      peers.map(({ serial }) => serial),
    );
    const now = this.clock.now();
    return peers.map(({ ref, serial, fingerprint }) => {
      const row = stored.get(serial);
      const error = linkRefusal(row, { ref, fingerprint: fingerprint ?? row?.fingerprint ?? '' }, now);
      return error === undefined ? { ok: undefined } : { error };
    });
  }

  private iso(fromNowMs = 0): string {
    return new Date(this.clock.now() + fromNowMs).toISOString();
  }
}

function after(cursor: string): object[] {
  const { notBefore, serial } = readCertificateCursor(cursor);
  return [{ notBefore: LessThan(notBefore) }, { notBefore, serial: LessThan(serial) }];
}
