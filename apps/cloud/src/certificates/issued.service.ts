import type { Authority, ClientIdentity, Issued } from '@selvage/pki';
import type { IssuedCertificate, NodeRef } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { CertificateRow } from './certificates.entity.js';
import { pieces } from './refs.rules.js';

const ROWS = 100;
const NAMES = 500;

/** A certificate that was just signed, and for which node. */
export interface IssuedTo {
  readonly ref: NodeRef;
  readonly issued: Issued;
}

/** Rows read with this stay as they are until the transaction ends. On SQLite there is only one writer anyway. */
export function held(tx: EntityManager): { lock?: { mode: 'pessimistic_write' } } {
  return tx.connection.options.type === 'postgres' ? { lock: { mode: 'pessimistic_write' } } : {};
}

/** Writes down certificates that were signed, before anybody gets them. */
export async function keepIssued(tx: EntityManager, all: readonly IssuedTo[]): Promise<void> {
  for (const some of pieces(all, ROWS)) await tx.insert(CertificateRow, some.map(rowOf));
}

/** Stored certificates by their serials. */
export async function bySerial(
  from: EntityManager,
  serials: readonly string[],
  options: ReturnType<typeof held> = {},
): Promise<Map<string, CertificateRow>> {
  const found = new Map<string, CertificateRow>();
  for (const some of pieces(serials, NAMES)) {
    const rows = await from.find(CertificateRow, { where: { serial: In(some) }, ...options });
    for (const row of rows) found.set(row.serial, row);
  }
  return found;
}

/** What the agent is answered. */
export function answerOf({ ref, issued }: IssuedTo, authority: Authority): IssuedCertificate {
  return { ...ref, chain: issued.chain, ca: authority.root, notAfter: iso(issued.notAfter) };
}

/** Writes down the certificate of a device or an app. */
export async function keepClient(tx: EntityManager, holder: ClientIdentity, issued: Issued): Promise<void> {
  await tx.insert(CertificateRow, row(holder, issued));
}

function rowOf({ ref, issued }: IssuedTo): CertificateRow {
  return row({ kind: 'node', project: ref.project, name: ref.node }, issued);
}

function row(
  { kind, project, name }: Pick<CertificateRow, 'kind' | 'project' | 'name'>,
  issued: Issued,
): CertificateRow {
  return {
    serial: issued.serial,
    fingerprint: issued.fingerprint,
    kind,
    project,
    name,
    notBefore: iso(issued.notBefore),
    notAfter: iso(issued.notAfter),
    revokedAt: null,
    revokedReason: null,
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
