import { createCsr, type KeyPair, newKeyPair, signRenewal } from '@selvage/pki';
import { type EdgeError, type IssuedCertificate, nodeKey, type NodeRef } from '@selvage/protocol';
import { HubConfig } from '../config.js';
import { type Database, MasterKey, openDatabase, type Schema, Settings, Settings1700000000000 } from '../db/index.js';
import { LiveFeed, Metrics } from '../http/index.js';
import type { PortHandler, ServerCredentials, Session } from '../link/index.js';
import { createLog } from '../log/index.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';
import { Certificates1700000004000 } from './certificates.migration.js';
import { Certificates } from './certificates.service.js';
import { Enrolment } from './enrolment.js';
import { HubAuthority } from './hub-authority.js';
import { Joins } from './joins.service.js';
import { Renewals } from './renewals.service.js';

/** Takes the place of the TLS port: remembers what is shown on it, and calls its endpoints. */
export class FakePort {
  readonly handlers = new Map<string, PortHandler>();
  readonly shown: ServerCredentials[] = [];

  post(path: string, handler: PortHandler): void {
    this.handlers.set(path, handler);
  }
  use(credentials: ServerCredentials): void {
    this.shown.push(credentials);
  }
  async ask(path: string, body: unknown): Promise<IssuedCertificate> {
    const handler = this.handlers.get(path);
    if (handler === undefined) throw new Error(`nothing at ${path}`);
    return (await handler({ body, address: '192.0.2.1' })) as IssuedCertificate;
  }
}

/** Takes the place of the live links. */
export class FakeSessions {
  readonly live = new Map<string, Session>();
  readonly ended: [node: string, code: string][] = [];
  listeners = 0;

  find(ref: NodeRef): Session | undefined {
    return this.live.get(nodeKey(ref));
  }
  open(ref: NodeRef, serial = '00'): Session {
    const stored = { position: null, hashes: {} };
    const session = {
      ref,
      serial,
      agent: '0.1.0',
      openedAt: Date.now(),
      heardAt: Date.now(),
      stored,
      send: () => undefined,
    };
    this.live.set(nodeKey(ref), session);
    return session;
  }
  /** Nobody comes or goes by itself. */
  listen(): void {
    this.listeners += 1;
  }
  end(ref: NodeRef, { code }: EdgeError): void {
    if (this.live.delete(nodeKey(ref))) this.ended.push([nodeKey(ref), code]);
  }
}

/** A machine with its keys. */
export interface Machine {
  readonly keys: KeyPair;
  readonly csr: string;
}
export async function machine(subject?: string): Promise<Machine> {
  const keys = await newKeyPair();
  return { keys, csr: await createCsr(keys, subject) };
}

/** What a machine sends to trade its certificate for one with the key of `next`. */
export async function renewal(
  current: { keys: KeyPair; chain: string },
  next: Machine,
): Promise<{ certificate: string; csr: string; proof: string }> {
  const certificate = current.chain;
  const proof = await signRenewal({ certificate, csr: next.csr, key: current.keys.privateKey });
  return { certificate, csr: next.csr, proof };
}

/** The slice's real parts on a real database in a folder, with everything around them faked. */
export class CertificatesStage {
  readonly port = new FakePort();
  readonly sessions = new FakeSessions();
  readonly feed = new LiveFeed();
  readonly metrics = new Metrics();
  readonly log = createLog('silent');
  readonly authority: HubAuthority;
  readonly certificates: Certificates;

  private constructor(
    readonly config: HubConfig,
    readonly db: Database,
    masterKey: MasterKey,
  ) {
    this.authority = new HubAuthority(config, masterKey, this.port, db, this.log);
    this.certificates = new Certificates(db, this.authority, this.sessions, this.feed, this.log);
  }

  /** `url`: of a PostgreSQL database, none for SQLite. `more`: entities and migrations of other slices. */
  static async open(
    folder: string,
    url: string | undefined,
    more: Schema = { entities: [], migrations: [] },
  ): Promise<CertificatesStage> {
    const config = HubConfig.fromEnvironment({ SELVAGE_DATA: folder, SELVAGE_LINK_HOST: '127.0.0.1' });
    const schema = {
      entities: [Settings, CertificateRow, JoinTokenRow, ...more.entities],
      migrations: [Settings1700000000000, Certificates1700000004000, ...more.migrations],
    };
    const db = openDatabase({ folder: config.data, url }, schema);
    await db.start('epoch');
    const stage = new CertificatesStage(config, db, await MasterKey.open(config.masterKeyFile));
    await stage.start();
    return stage;
  }

  async close(): Promise<void> {
    this.authority.stop();
    await this.db.stop();
  }

  token(ref: NodeRef): Promise<string> {
    return this.db.write(async (tx) => (await this.certificates.makeToken(tx, ref, 3600)).token);
  }

  /** Joins a new machine as a node. */
  async joined(ref: NodeRef): Promise<Machine & IssuedCertificate> {
    const made = await machine();
    return { ...made, ...(await this.port.ask('/join', { token: await this.token(ref), csr: made.csr })) };
  }

  private async start(): Promise<void> {
    await this.authority.start();
    const joins = new Joins(this.db, this.config, this.authority, this.certificates);
    const renewals = new Renewals(this.db, this.config, this.authority);
    const enrolment = new Enrolment(joins, renewals, this.certificates, this.sessions, this.authority, this.log);
    enrolment.start(this.port, this.metrics);
  }
}
