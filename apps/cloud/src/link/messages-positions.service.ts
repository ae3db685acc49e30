import { Injectable } from '@nestjs/common';
import { nodeKey, type NodeRef } from '@selvage/protocol';
import { type EntityManager, In } from 'typeorm';
import { z } from 'zod';
import { Database } from '../db/index.js';
import { MessagePosition } from './messages.entity.js';

/** SQLite takes a limited number of values in one statement. */
const ROWS = 150;
/** How many rejected messages are remembered of a lane: more than are on their way at once, as a rule. */
const MAX_REJECTED = 100;
const MAX_DETAIL = 300;

const rejections = z.array(z.tuple([z.number(), z.string(), z.string()]));

/** A lane of one outbox of one node. */
export interface LaneRef {
  readonly ref: NodeRef;
  readonly epoch: string;
  readonly lane: string;
}

/** A message that was rejected, and the words for it. */
export interface Rejection {
  readonly code: string;
  readonly detail: string;
}

/** Up to where one lane is done with, inside one transaction. */
export class LanePosition {
  readonly #rejected: Map<number, Rejection>;

  constructor(
    readonly of: LaneRef,
    private reached: number,
    rejected: string,
  ) {
    const kept = rejections.parse(JSON.parse(rejected));
    this.#rejected = new Map(kept.map(([seq, code, detail]) => [seq, { code, detail }]));
  }

  get seq(): number {
    return this.reached;
  }

  get rejected(): string {
    const last = [...this.#rejected].slice(-MAX_REJECTED);
    return JSON.stringify(last.map(([seq, { code, detail }]) => [seq, code, detail.slice(0, MAX_DETAIL)]));
  }

  /** Passes a message; whether it is new. */
  pass(seq: number): boolean {
    if (seq <= this.reached) return false;
    this.reached = seq;
    return true;
  }

  reject(seq: number, why: Rejection): void {
    this.#rejected.set(seq, why);
  }

  /** Why a message was rejected when it came before. */
  rejection(seq: number): Rejection | undefined {
    return this.#rejected.get(seq);
  }
}

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
    const fresh = missing.map((lane) => ({ ...columns(lane), seq: 0, rejected: '[]' }));
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
    const rows = [...positions].map(({ of, seq, rejected }) => ({ ...columns(of), seq, rejected }));
    for (let at = 0; at < rows.length; at += ROWS)
      await tx.upsert(MessagePosition, rows.slice(at, at + ROWS), ['project', 'node', 'epoch', 'lane']);
  }

  /** Forgets a node that is gone. */
  async forget(tx: EntityManager, { project, node }: NodeRef): Promise<void> {
    await tx.delete(MessagePosition, { project, node });
  }

  private async rows(tx: EntityManager, lanes: readonly LaneRef[]): Promise<Map<string, LanePosition>> {
    const wanted = new Set(lanes.map(keyOf));
    const found = new Map<string, LanePosition>();
    for (const project of new Set(lanes.map(({ ref }) => ref.project))) {
      const own = lanes.filter(({ ref }) => ref.project === project);
      const [nodes, epochs] = [distinct(own.map(({ ref }) => ref.node)), distinct(own.map(({ epoch }) => epoch))];
      for (let at = 0; at < nodes.length; at += ROWS) {
        const where = {
          project,
          node: In(nodes.slice(at, at + ROWS)),
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

export function keyOf({ ref, epoch, lane }: LaneRef): string {
  return `${nodeKey(ref)} ${epoch} ${lane}`;
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
