import { Injectable } from '@nestjs/common';
import type { DeadLetter } from '@selvage/outbox';
import type { RouteDeadLetter } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import { idOf } from './dead-letters.rules.js';
import { HubOutbox } from './hub-outbox.service.js';
import { readLane } from './lanes.rules.js';

const MAX_SHOWN = 4096;
const BATCH = 1000;

/** Dead letters that lie at the hub. */
@Injectable()
export class HubLetters {
  constructor(private readonly hub: HubOutbox) {}

  /** Those of a route after a sequence, oldest first. */
  async list(uid: string, after: number, limit: number): Promise<RouteDeadLetter[]> {
    return (await this.of(uid, after, limit)).map(shown);
  }

  /** Those of these sequences, or all. */
  async revive(uid: string, seqs: readonly number[] | undefined): Promise<number> {
    const chosen = await this.chosen(uid, seqs);
    for (const seq of chosen) await this.hub.outbox.revive(seq);
    return chosen.length;
  }

  async discard(uid: string, seqs: readonly number[] | undefined): Promise<number> {
    const chosen = await this.chosen(uid, seqs);
    this.hub.outbox.discard(chosen);
    return chosen.length;
  }

  private async chosen(uid: string, seqs: readonly number[] | undefined): Promise<number[]> {
    const wanted = seqs && new Set(seqs);
    const all: number[] = [];
    for (let after = 0; ;) {
      const batch = await this.of(uid, after, BATCH);
      all.push(...batch.map(({ seq }) => seq).filter((seq) => wanted?.has(seq) ?? true));
      after = batch.at(-1)?.seq ?? after;
      if (batch.length < BATCH) return all;
    }
  }

  private of(uid: string, after: number, limit: number): Promise<DeadLetter[]> {
    const lanes = [...this.hub.outbox.deadLanes.keys()].filter((lane) => readLane(lane).uid === uid);
    return this.hub.store.deadOf(lanes, after, limit);
  }
}

function shown({ seq, at, body, code, detail }: DeadLetter): RouteDeadLetter {
  const { topic, payload } = decodeRouted(body);
  return {
    ...{ id: idOf({ seq }), at: new Date(at).toISOString(), topic, code, detail, size: payload.byteLength },
    payload: Buffer.from(payload).subarray(0, MAX_SHOWN).toString('base64'),
  };
}
