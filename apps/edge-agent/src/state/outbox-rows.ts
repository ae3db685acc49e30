import type { DeadLetter, Drop, Head, Queued, Reason } from '@selvage/outbox';
import { z } from 'zod';
import type { Row } from './database.js';

/** Numbers of lanes in the file, and back. */
export interface LaneNames {
  idOf(lane: string): number;
  nameOf(id: number): string;
}

/** Whole numbers that can be counted on from: one past 2^53 would stand still. */
const number = z.int();
export const metaRow = z.object({ epoch: z.string(), counted: number, born: number, wall: number });
export const laneRow = z.object({ id: number, name: z.string(), count: number, bytes: number });
export const tailRow = z.object({ lane: number, count: number, bytes: number });
const reasons = ['budget', 'age', 'expired', 'refused', 'dead-letters', 'discarded', 'broken-file'] as const;
export const lastRow = z.object({ seq: number.nullable() });
export const newestRow = z.object({ born: number });
const dropRow = z.object({
  lane: z.string(),
  reason: z.enum(reasons),
  count: number,
  bytes: number,
  first: number,
  last: number,
});

/** What was dropped, as far as this agent knows the reason: a newer one may know more. */
export function toDrop(row: Row): Drop[] {
  const { success, data } = dropRow.safeParse(row);
  return success ? [data] : [];
}

/** A batch as the two values of its one statement; see `APPEND`. */
export function toBatch(messages: readonly Queued[], names: LaneNames): [index: string, bodies: Buffer] {
  // A first byte that belongs to nobody: no bytes at all would be stored as NULL.
  let offset = 1;
  const bodies: Uint8Array[] = [new Uint8Array(1)];
  const index = messages.map(({ seq, lane, at, born, expires = null, key = null, size, body }) => {
    const entry = [seq, names.idOf(lane), at, born, expires, key, size, offset, body.byteLength];
    offset += body.byteLength;
    bodies.push(body);
    return entry;
  });
  return [JSON.stringify(index), Buffer.concat(bodies, offset)];
}

// The rows are this file's own, read by the tens of thousands: looked at by hand, column by column. A number that is damaged counts as
// 0, so that its message goes its way instead of holding up the others.

export function toHead(row: Row, names: LaneNames): Head {
  return {
    seq: whole(row.seq),
    lane: names.nameOf(whole(row.lane)),
    at: whole(row.at),
    born: whole(row.born),
    size: whole(row.size),
  };
}

function whole(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}

export function toQueued(row: Row, names: LaneNames): Queued {
  const { key, expires, body } = row;
  return {
    ...toHead(row, names),
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    ...(typeof key === 'string' && { key }),
    ...(typeof expires === 'number' && { expires }),
  };
}

export function toDeadLetter(row: Row, names: LaneNames): DeadLetter {
  return { ...toQueued(row, names), code: String(row.code), detail: String(row.detail) };
}

export function seqsOf(heads: readonly Pick<Head, 'seq'>[]): string {
  return JSON.stringify(heads.map(({ seq }) => seq));
}

export function toBurials(buried: readonly (Head & Reason)[]): string {
  return JSON.stringify(buried.map(({ seq, code, detail }) => [seq, code, detail]));
}

export function toDrops(drops: readonly Drop[]): string {
  return JSON.stringify(
    drops.map(({ lane, reason, count, bytes, first, last }) => [lane, reason, count, bytes, first, last]),
  );
}
