import { Injectable } from '@nestjs/common';
import { EdgeError, type ListQuery } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In, LessThan } from 'typeorm';
import { type Companion, Database } from '../db/index.js';
import type { AuditedChange, Caller, ChangeUnderWay } from '../http/index.js';
import { AuditLine } from './audit.entity.js';
import { BEGINNING, chainHash, firstBroken } from './chain.js';

const CHECK_BATCH = 1000;
/** What PostgreSQL keeps in an `integer`. */
const MAX_ID = 2_147_483_647;
/** Names the lock among all advisory locks of a PostgreSQL database: "audit" in ASCII. */
const LOCK = '418581342580';

/** The log of who changed what: append-only and hash-chained. */
@Injectable()
export class Audit {
  constructor(private readonly db: Database) {}

  /** Adds a line in a transaction of its own. */
  record(change: AuditedChange): Promise<void> {
    return this.db.write((tx) => this.append(tx, change));
  }

  /** Adds the line of a change under way to the transaction that changes something: both are committed, or neither. */
  companionOf(underWay: ChangeUnderWay | undefined): Companion | undefined {
    if (underWay === undefined) return undefined;
    return {
      add: (tx) => this.append(tx, underWay.change),
      done: () => {
        underWay.noted = true;
      },
    };
  }

  /** What happened in the caller's reach, newest first. */
  async list(
    { projects }: Pick<Caller, 'projects'>,
    { limit, cursor }: ListQuery,
  ): Promise<{ items: AuditShown[]; cursor?: string }> {
    const where = {
      ...(projects !== undefined && { project: In([...projects]) }),
      ...(cursor !== undefined && { id: LessThan(readCursor(cursor)) }),
    };
    const found = await this.db.read.find(AuditLine, { where, order: { id: 'DESC' }, take: limit + 1 });
    const items = found.slice(0, limit).map(shown);
    return found.length > limit ? { items, cursor: String(items.at(-1)?.id ?? 0) } : { items };
  }

  /** Id of the first line that was tampered with; undefined when the chain holds. */
  async verify(): Promise<number | undefined> {
    let before = BEGINNING;
    for (let after = 0; ; after += CHECK_BATCH) {
      const lines = await this.db.read.find(AuditLine, { order: { id: 'ASC' }, skip: after, take: CHECK_BATCH });
      const broken = firstBroken(lines, before);
      if (broken !== undefined || lines.length < CHECK_BATCH) return broken;
      before = lines.at(-1)?.hash ?? before;
    }
  }

  private async append(tx: EntityManager, change: AuditedChange): Promise<void> {
    // Each line carries the hash of the one before: the next one waits for the commit. SQLite has but one transaction at a time.
    if (this.db.dialect === 'postgres') await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    const [newest] = await tx.find(AuditLine, { order: { id: 'DESC' }, take: 1 });
    const { project = null, ...rest } = change;
    const line = { ...rest, project, id: (newest?.id ?? 0) + 1, at: new Date(systemClock.now()).toISOString() };
    await tx.insert(AuditLine, { ...line, hash: chainHash(line, newest?.hash ?? BEGINNING) });
  }
}

/** @throws EdgeError `invalid_cursor`. */
function readCursor(cursor: string): number {
  const id = /^\d{1,10}$/.test(cursor) ? Number(cursor) : Infinity;
  if (id <= MAX_ID) return id;
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}

type AuditShown = Omit<AuditLine, 'project'> & { project?: string };

function shown({ project, ...line }: AuditLine): AuditShown {
  return project === null ? line : { ...line, project };
}
