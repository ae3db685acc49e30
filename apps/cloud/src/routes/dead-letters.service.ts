import { Injectable } from '@nestjs/common';
import type { DeadLetter } from '@selvage/outbox';
import { EdgeError, type ListQuery, type RouteDeadLetter } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import { HubOutbox } from './hub-outbox.service.js';
import { readLane } from './lanes.rules.js';
import { Routes } from './routes.service.js';

const MAX_SHOWN = 4096;
const BATCH = 1000;

interface At {
  readonly project: string;
  readonly name: string;
}

/** Messages that routes gave up, and that lie at the hub. */
@Injectable()
export class DeadLetters {
  constructor(
    private readonly routes: Routes,
    private readonly hub: HubOutbox,
  ) {}

  async list(at: At, { limit, cursor }: ListQuery): Promise<{ items: RouteDeadLetter[]; cursor?: string }> {
    const after = cursor === undefined ? 0 : readCursor(cursor);
    const found = await this.of(at, after, limit + 1);
    const items = found.slice(0, limit).map(shown);
    return found.length > limit ? { items, cursor: items.at(-1)?.id ?? '' } : { items };
  }

  /** Sends them again, behind what waits already. How many those were. */
  async replay(at: At, ids: readonly string[] | undefined): Promise<number> {
    const seqs = await this.chosen(at, ids);
    for (const seq of seqs) await this.hub.outbox.revive(seq);
    return seqs.length;
  }

  async discard(at: At, ids: readonly string[] | undefined): Promise<number> {
    const seqs = await this.chosen(at, ids);
    this.hub.outbox.discard(seqs);
    return seqs.length;
  }

  private async chosen(at: At, ids: readonly string[] | undefined): Promise<number[]> {
    const wanted = ids && new Set(ids.map(readId));
    const all: number[] = [];
    for (let after = 0; ;) {
      const batch = await this.of(at, after, BATCH);
      all.push(...batch.map(({ seq }) => seq).filter((seq) => wanted?.has(seq) ?? true));
      after = batch.at(-1)?.seq ?? after;
      if (batch.length < BATCH) return all;
    }
  }

  private async of({ project, name }: At, after: number, limit: number): Promise<DeadLetter[]> {
    const { uid } = await this.routes.row(project, name);
    const lanes = [...this.hub.outbox.deadLanes.keys()].filter((lane) => readLane(lane).uid === uid);
    return this.hub.store.deadOf(lanes, after, limit);
  }
}

function shown({ seq, at, body, code, detail }: DeadLetter): RouteDeadLetter {
  const { topic, payload } = decodeRouted(body);
  return {
    ...{ id: String(seq), at: new Date(at).toISOString(), topic, code, detail, size: payload.byteLength },
    payload: Buffer.from(payload).subarray(0, MAX_SHOWN).toString('base64'),
  };
}

function readId(id: string): number {
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new EdgeError('bad_request', `"${id.slice(0, 40)}" is no id of a dead letter.`);
}

function readCursor(cursor: string): number {
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}
