import { Injectable } from '@nestjs/common';
import { EdgeError, type GatewayTaken } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { In, LessThan } from 'typeorm';
import { Database, type Forgetting } from '../db/index.js';
import { RouteRequestRow } from './routes.entity.js';

const KEPT_MS = 24 * 3_600_000;

/**
 * Requests that their callers have named: one that comes again, within a day, is answered as before and not taken again. A message is
 * stored first and its request noted then: only when the hub dies between both may it be taken twice, with the same id.
 */
@Injectable()
export class GatewayRequests {
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(private readonly db: Database) {}

  /** @throws EdgeError `conflict` when another request had that name. */
  async once(id: string, fingerprint: string, take: () => Promise<GatewayTaken>): Promise<GatewayTaken> {
    for (let other = this.underWay.get(id); other !== undefined; other = this.underWay.get(id))
      await Promise.allSettled([other]);
    const going = this.first(id, fingerprint, take);
    this.underWay.set(id, going);
    try {
      return await going;
    } finally {
      this.underWay.delete(id);
    }
  }

  /** Those that nobody sends again. */
  old(): Forgetting<string> {
    const find = async (now: number, take: number): Promise<string[]> => {
      const where = { at: LessThan(new Date(now - KEPT_MS).toISOString()) };
      return (await this.db.read.find(RouteRequestRow, { select: { id: true }, where, take })).map(({ id }) => id);
    };
    return {
      what: 'old requests to the gateway',
      find,
      remove: (tx, ids) => tx.delete(RouteRequestRow, { id: In(ids) }),
    };
  }

  private async first(id: string, fingerprint: string, take: () => Promise<GatewayTaken>): Promise<GatewayTaken> {
    const before = await this.db.read.findOneBy(RouteRequestRow, { id });
    if (before !== null && before.fingerprint !== fingerprint)
      throw new EdgeError('conflict', 'Another request had this Idempotency-Key; give each request its own.');
    if (before !== null) return { id, kept: before.kept };
    const taken = await take();
    const at = new Date(systemClock.now()).toISOString();
    await this.db.write((tx) => tx.insert(RouteRequestRow, { id, fingerprint, kept: taken.kept, at }));
    return taken;
  }
}
