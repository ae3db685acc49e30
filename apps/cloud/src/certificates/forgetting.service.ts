import { In, LessThan } from 'typeorm';
import type { Database, Forgetting } from '../db/index.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';

const DAY_MS = 86_400_000;
const KEEP_CERTIFICATES_MS = 365 * DAY_MS;
const KEEP_TOKENS_MS = 7 * DAY_MS;

/**
 * Certificates that ended more than a year ago. The newest of a holder stays as long as it is not revoked: whoever has it may come back.
 */
export function oldCertificates(db: Database): Forgetting<string> {
  const find = async (now: number, limit: number): Promise<string[]> => {
    const newer =
      'SELECT 1 FROM certificates n WHERE n.kind = c.kind AND n.project = c.project AND n.name = c.name AND n.not_after > c.not_after';
    const rows: { serial: string }[] = await db.read.query(
      `SELECT c.serial AS serial FROM certificates c WHERE c.not_after < $1 AND (c.revoked_at IS NOT NULL OR EXISTS (${newer})) LIMIT ${limit}`,
      [iso(now - KEEP_CERTIFICATES_MS)],
    );
    return rows.map(({ serial }) => serial);
  };
  return {
    what: 'old certificates',
    find,
    remove: (tx, serials) => tx.delete(CertificateRow, { serial: In(serials) }),
  };
}

/** Join tokens that ended more than a week ago. */
export function oldJoinTokens(db: Database): Forgetting<string> {
  const find = async (now: number, take: number): Promise<string[]> => {
    const where = { expiresAt: LessThan(iso(now - KEEP_TOKENS_MS)) };
    return (await db.read.find(JoinTokenRow, { select: { id: true }, where, take })).map(({ id }) => id);
  };
  return { what: 'old join tokens', find, remove: (tx, ids) => tx.delete(JoinTokenRow, { id: In(ids) }) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
