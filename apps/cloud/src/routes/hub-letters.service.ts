import { Injectable } from '@nestjs/common';
import type { DeadLetter, Head } from '@selvage/outbox';
import type { RouteDeadLetter } from '@selvage/protocol';
import { decodeRouted } from '@selvage/wire';
import { idOf } from './dead-letters.rules.js';
import { HubOutbox } from './hub-outbox.service.js';
import { laneName, readLane } from './lanes.rules.js';

const MAX_SHOWN = 4096;

/** Dead letters that lie at the hub. */
@Injectable()
export class HubLetters {
  constructor(private readonly hub: HubOutbox) {}

  /** Those of a route after a sequence, oldest first. */
  async list(uid: string, after: number, limit: number): Promise<RouteDeadLetter[]> {
    const page = this.of(uid).filter(({ seq }) => seq > after);
    return (await this.hub.store.deadOf(page.slice(0, limit).map(({ seq }) => seq))).map(shown);
  }

  /** Those of these sequences, or all. */
  async revive(uid: string, seqs: readonly number[] | undefined): Promise<number> {
    const chosen = this.chosen(uid, seqs);
    // What comes from nodes has its lane for itself.
    for (const { seq, lane } of chosen) await this.hub.outbox.revive(seq, laneName({ ...readLane(lane), from: 'hub' }));
    return chosen.length;
  }

  discard(uid: string, seqs: readonly number[] | undefined): number {
    const chosen = this.chosen(uid, seqs);
    this.hub.outbox.discard(chosen.map(({ seq }) => seq));
    return chosen.length;
  }

  private chosen(uid: string, seqs: readonly number[] | undefined): readonly Head[] {
    const wanted = seqs && new Set(seqs);
    return this.of(uid).filter(({ seq }) => wanted?.has(seq) ?? true);
  }

  private of(uid: string): readonly Head[] {
    return this.hub.outbox.deadIn((lane) => readLane(lane).uid === uid);
  }
}

function shown({ seq, at, body, code, detail }: DeadLetter): RouteDeadLetter {
  const { topic, payload } = decodeRouted(body);
  return {
    ...{ id: idOf({ seq }), at: new Date(at).toISOString(), topic, code, detail, size: payload.byteLength },
    payload: Buffer.from(payload).subarray(0, MAX_SHOWN).toString('base64'),
  };
}
