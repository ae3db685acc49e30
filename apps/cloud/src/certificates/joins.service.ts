import { Injectable } from '@nestjs/common';
import { type Csr, keyFingerprint, readCsr } from '@selvage/pki';
import { type JoinRequest, joinTokenText } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { type EntityManager, In, IsNull } from 'typeorm';
import { HubConfig } from '../config.js';
import { Batcher, Database, type Outcome } from '../db/index.js';
import { forEachAlone, goOn } from './batch-steps.js';
import { CertificateRow, JoinTokenRow } from './certificates.entity.js';
import { Certificates } from './certificates.service.js';
import { HubAuthority } from './hub-authority.js';
import { held, type IssuedTo, keepIssued } from './issued.service.js';
import { type AskedJoin, decideJoins } from './joins.rules.js';
import { namesByProject, pieces } from './refs.rules.js';
import { tokenId } from './tokens.rules.js';

const BATCH = { size: 200, waiting: 5000 };
const ROWS = 100;
export const REPLACED = 'replaced by a new join';

/** A join that succeeded. `first`: its token was not used before, so whatever was this node until now is replaced. */
export interface Joined extends IssuedTo {
  readonly first: boolean;
}

interface Ask extends AskedJoin {
  readonly csr: Csr;
  /** Names and addresses of the node's broker. */
  readonly hosts: readonly string[];
}
interface Signed extends Ask, IssuedTo {}

/** Trades join tokens for certificates, many at once: a batch costs one query to look, and one transaction. */
@Injectable()
export class Joins {
  private readonly clock: Clock = systemClock;
  private readonly batches = new Batcher<Ask, Joined>((asks) => this.work(asks), BATCH);

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    private readonly authority: HubAuthority,
    private readonly certificates: Certificates,
  ) {}

  /** @throws EdgeError `csr_refused`, or why the token is no good. */
  async join({ token, node, csr, hosts = [] }: JoinRequest): Promise<Joined> {
    const parts = joinTokenText.parse(token);
    const request = await readCsr(csr);
    const key = keyFingerprint(request.spki);
    return this.batches.run({ tokenId: tokenId(parts.secret), parts, node, key, csr: request, hosts });
  }

  /** Looks before it signs, and once more while nobody can change the tokens, so that bad ones cost neither signature nor write. */
  private async work(asks: readonly Ask[]): Promise<Outcome<Joined>[]> {
    const given = { caSha256: this.authority.authority.rootSha256, now: this.clock.now() };
    const decided = decideJoins(asks, await tokensOf(this.db.read, asks), given);
    const signed = await goOn(decided, (good) => forEachAlone(good, (ask) => this.sign(ask, given.now)));
    return goOn(signed, (good) =>
      this.db.write(async (tx) => {
        const tokens = await tokensOf(tx, good, held(tx));
        return goOn(decideJoins(good, tokens, given), (joins) => this.keep(tx, joins, tokens));
      }),
    );
  }

  private async sign(ask: Ask, now: number): Promise<Signed> {
    const ref = { project: ask.parts.project, node: ask.parts.node };
    const lifetime = { days: this.config.certificateDays, now };
    return {
      ...ask,
      ref,
      issued: await this.authority.authority.issueNode(ask.csr, { ...ref, hosts: ask.hosts }, lifetime),
    };
  }

  private async keep(
    tx: EntityManager,
    joins: readonly (Signed & { first: boolean })[],
    tokens: ReadonlyMap<string, JoinTokenRow>,
  ): Promise<Outcome<Joined>[]> {
    const at = new Date(this.clock.now()).toISOString();
    const first = joins.filter((join) => join.first);
    await markUsed(
      tx,
      first.flatMap(({ tokenId: id, key }) => usedRow(tokens.get(id), key, at)),
    );
    await revokeOlder(tx, first, at);
    await keepIssued(tx, joins);
    await this.certificates.joined(
      tx,
      joins.map(({ ref }) => ({ ref, at })),
    );
    return joins.map(({ ref, issued, first: isFirst }) => ({ ok: { ref, issued, first: isFirst } }));
  }
}

async function tokensOf(
  from: EntityManager,
  asks: readonly AskedJoin[],
  options: ReturnType<typeof held> = {},
): Promise<Map<string, JoinTokenRow>> {
  const ids = [...new Set(asks.map((ask) => ask.tokenId))];
  const rows = await from.find(JoinTokenRow, { where: { id: In(ids) }, ...options });
  return new Map(rows.map((row) => [row.id, row]));
}

function usedRow(row: JoinTokenRow | undefined, usedKey: string, usedAt: string): JoinTokenRow[] {
  return row === undefined ? [] : [{ ...row, usedKey, usedAt }];
}

/** One statement for many tokens: an insert that meets the rows that are there. */
async function markUsed(tx: EntityManager, rows: readonly JoinTokenRow[]): Promise<void> {
  for (const some of pieces(rows, ROWS)) {
    const insert = tx.createQueryBuilder().insert().into(JoinTokenRow).values(some);
    await insert.orUpdate(['used_key', 'used_at'], ['id']).execute();
  }
}

async function revokeOlder(tx: EntityManager, first: readonly IssuedTo[], revokedAt: string): Promise<void> {
  for (const [project, names] of namesByProject(first.map(({ ref }) => ref))) {
    const older = { kind: 'node', project, name: In(names), revokedAt: IsNull() } as const;
    await tx.update(CertificateRow, older, { revokedAt, revokedReason: REPLACED });
  }
}
