import { Injectable } from '@nestjs/common';
import type { NodeRef } from '@selvage/protocol';
import { systemClock } from '@selvage/reconcile';
import { type EntityManager, In } from 'typeorm';
import { Database } from '../db/index.js';
import { keyOf, LanePosition, type LaneRef } from './lane-position.js';
import { MessagePosition } from './messages.entity.js';

/** SQLite takes a limited number of values in one statement. */
const ROWS = 150;
/** How many outboxes are remembered of a node: it has one, and gets a new one when its disk is lost. */
const MAX_EPOCHS = 8;

/** Up to where the messages of nodes have been written down: by this one that comes twice is known. */
@Injectable()
export class MessagePositions {
  constructor(private readonly db: Database) {}

  /**
   * The positions of some lanes, which nobody else changes until the transaction ends: two hubs on one database may hold messages of
   * the same node when its link moved from one to the other.
   */
  async hold(tx: EntityManager, lanes: readonly LaneRef[]): Promise<Map<string, LanePosition>> {
    const there = await this.rows(tx, lanes);
    const missing = lanes.filter((lane) => !there.has(keyOf(lane)));
    if (missing.length === 0) return there;
    const fresh = missing.map((lane) => ({ ...columns(lane), seq: 0, rejected: '[]', touchedAt: 0 }));
    for (let at = 0; at < fresh.length; at += ROWS)
      await tx
        .createQueryBuilder()
        .insert()
        .into(MessagePosition)
        .values(fresh.slice(at, at + ROWS))
        .orIgnore()
        .execute();
    return await this.rows(tx, lanes);
  }

  async save(tx: EntityManager, positions: Iterable<LanePosition>): Promise<void> {
    const touchedAt = systemClock.now();
    const all = [...positions];
    const rows = all.map(({ of, seq, rejected }) => ({ ...columns(of), seq, rejected, touchedAt }));
    for (let at = 0; at < rows.length; at += ROWS)
      await tx.upsert(MessagePosition, rows.slice(at, at + ROWS), ['project', 'node', 'epoch', 'lane']);
    await this.prune(
      tx,
      all.filter(({ isNew }) => isNew).map(({ of }) => of),
    );
  }

  /** Forgets a node that is gone. */
  async forget(tx: EntityManager, { project, node }: NodeRef): Promise<void> {
    await tx.delete(MessagePosition, { project, node });
  }

  /** Forgets outboxes that have not been used for longest, of lanes that got a new one. */
  private async prune(tx: EntityManager, lanes: readonly LaneRef[]): Promise<void> {
    for (const project of distinct(lanes.map(({ ref }) => ref.project))) {
      const nodes = distinct(lanes.filter(({ ref }) => ref.project === project).map(({ ref }) => ref.node));
      for (let at = 0; at < nodes.length; at += ROWS) {
        const query = tx.createQueryBuilder(MessagePosition, 'one').select(['one.node AS node', 'one.lane AS lane']);
        const full = await query
          .where({ project, node: In(nodes.slice(at, at + ROWS)) })
          .groupBy('one.node')
          .addGroupBy('one.lane')
          .having('COUNT(*) > :most', { most: MAX_EPOCHS })
          .getRawMany<{ node: string; lane: string }>();
        for (const { node, lane } of full) await this.forgetOldest(tx, { project, node, lane });
      }
    }
  }

  private async forgetOldest(tx: EntityManager, where: { project: string; node: string; lane: string }): Promise<void> {
    const all = await tx.find(MessagePosition, { select: ['epoch'], where, order: { touchedAt: 'DESC' } });
    const old = all.slice(MAX_EPOCHS).map(({ epoch }) => epoch);
    for (let at = 0; at < old.length; at += ROWS)
      await tx.delete(MessagePosition, { ...where, epoch: In(old.slice(at, at + ROWS)) });
  }

  private async rows(tx: EntityManager, lanes: readonly LaneRef[]): Promise<Map<string, LanePosition>> {
    const wanted = new Set(lanes.map(keyOf));
    const found = new Map<string, LanePosition>();
    for (const project of new Set(lanes.map(({ ref }) => ref.project))) {
      const own = lanes.filter(({ ref }) => ref.project === project);
      const [nodes, epochs] = [distinct(own.map(({ ref }) => ref.node)), distinct(own.map(({ epoch }) => epoch))];
      const names = distinct(own.map(({ lane }) => lane));
      for (let at = 0; at < nodes.length; at += ROWS) {
        const where = {
          project,
          node: In(nodes.slice(at, at + ROWS)),
          lane: In(names),
          ...(epochs.length < ROWS && { epoch: In(epochs) }),
        };
        const lock = this.db.dialect === 'postgres' ? { lock: { mode: 'pessimistic_write' as const } } : {};
        const order = { node: 'ASC', epoch: 'ASC', lane: 'ASC' } as const;
        for (const { node, epoch, lane, seq, rejected } of await tx.find(MessagePosition, { where, order, ...lock })) {
          const of: LaneRef = { ref: { project, node }, epoch, lane };
          if (wanted.has(keyOf(of))) found.set(keyOf(of), new LanePosition(of, seq, rejected));
        }
      }
    }
    return found;
  }
}

function columns({ ref: { project, node }, epoch, lane }: LaneRef): {
  project: string;
  node: string;
  epoch: string;
  lane: string;
} {
  return { project, node, epoch, lane };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
