import { Injectable } from '@nestjs/common';
import { deadAnswer, deadLetterCount, EdgeError, type ListQuery, type RouteDeadLetter } from '@selvage/protocol';
import { Database } from '../db/index.js';
import { firstAfter, idOf, type LetterId, placesFrom, readCursor, readId, seqsByPlace } from './dead-letters.rules.js';
import { HubLetters } from './hub-letters.service.js';
import { NodeCalls } from './node-calls.service.js';
import { RouteReportRow, type RouteRow } from './routes.entity.js';
import { Routes } from './routes.service.js';

interface At {
  readonly project: string;
  readonly name: string;
}

/** Messages that routes gave up: those that lie at the hub, and those that lie at nodes, as far as these are connected. */
@Injectable()
export class DeadLetters {
  constructor(
    private readonly db: Database,
    private readonly routes: Routes,
    private readonly hub: HubLetters,
    private readonly nodes: NodeCalls,
  ) {}

  /** Those of the hub first, then node by node. A node that is not connected is left out. */
  async list(
    { project, name }: At,
    { limit, cursor }: ListQuery,
  ): Promise<{ items: RouteDeadLetter[]; cursor?: string }> {
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const row = await this.routes.row(project, name);
    const items: RouteDeadLetter[] = [];
    for (const node of placesFrom(await this.nodesOf(row), after?.node)) {
      const found = await this.in(row, { node, seq: firstAfter(after, node) }, limit + 1 - items.length);
      items.push(...found);
      if (items.length > limit) return { items: items.slice(0, limit), cursor: items[limit - 1]?.id ?? '' };
    }
    return { items };
  }

  /** Sends them again, behind what waits already. How many those were. @throws EdgeError `node_offline` when one that is named lies there. */
  replay(at: At, ids: readonly string[] | undefined): Promise<number> {
    return this.each(at, ids, 'route.revive');
  }

  discard(at: At, ids: readonly string[] | undefined): Promise<number> {
    return this.each(at, ids, 'route.discard');
  }

  private async each({ project, name }: At, ids: readonly string[] | undefined, method: Method): Promise<number> {
    const chosen = ids && seqsByPlace(ids.map(readId));
    const row = await this.routes.row(project, name);
    let count = 0;
    for (const node of chosen?.keys() ?? [undefined, ...(await this.nodesOf(row))])
      count += await this.atPlace(row, { node, seqs: chosen?.get(node), method });
    return count;
  }

  private async atPlace(
    { project, uid }: RouteRow,
    { node, seqs, method }: { node: string | undefined; seqs: readonly number[] | undefined; method: Method },
  ): Promise<number> {
    if (node === undefined) return method === 'route.revive' ? this.hub.revive(uid, seqs) : this.hub.discard(uid, seqs);
    const params = { uid, ...(seqs !== undefined && { seqs }) };
    const asked = this.nodes.json({ project, node }, { method, params, answer: deadLetterCount });
    // Who names none takes those that can be had.
    return seqs === undefined ? ((await ifThere(asked))?.count ?? 0) : (await asked).count;
  }

  private async in({ project, uid }: RouteRow, { node, seq }: LetterId, limit: number): Promise<RouteDeadLetter[]> {
    if (node === undefined) return this.hub.list(uid, seq, limit);
    const params = { uid, after: seq, limit: Math.min(limit, 1000) };
    const said = await ifThere(
      this.nodes.json({ project, node }, { method: 'route.dead', params, answer: deadAnswer }),
    );
    return (said?.letters ?? []).map(({ seq: own, ...letter }) => ({ ...letter, node, id: idOf({ node, seq: own }) }));
  }

  /** Nodes that last said that they have some, by name. */
  private async nodesOf({ uid }: RouteRow): Promise<string[]> {
    const rows = await this.db.read.find(RouteReportRow, { where: { uid }, order: { node: 'ASC' } });
    return rows.filter(({ report }) => report.dead > 0).map(({ node }) => node);
  }
}

type Method = 'route.revive' | 'route.discard';

async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof EdgeError && error.code === 'node_offline') return undefined;
    throw error;
  }
}
