import { EdgeError, type HistoryItem, type TwinSide } from '@selvage/protocol';
import { freshKey, type HeldKey } from './held.rules.js';

const DAY_MS = 86_400_000;

/** An event as it is kept. PostgreSQL's driver gives the id as text. */
export interface StoredEvent {
  readonly id: number | string;
  readonly key: string;
  readonly side: TwinSide;
  readonly value: string | null;
  readonly at: string;
  readonly cloud: number;
  readonly edge: number;
  readonly by: string;
}

/** Where a list of events, newest first, goes on. */
export interface EventPlace {
  readonly at: string;
  readonly id: string;
}

/** An event as the API shows it. */
export function historyItem({ key, side, value, at, cloud, edge, by }: StoredEvent): HistoryItem {
  return { key, side, value, at, version: { cloud, edge }, by };
}

/** The place as text for the caller, who gives it back unchanged. */
export function eventCursor({ at, id }: StoredEvent): string {
  return Buffer.from(`${at} ${id}`, 'latin1').toString('base64url');
}

/** @throws EdgeError `invalid_cursor`. */
export function readEventCursor(cursor: string): EventPlace {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, at, id] = /^(\d{4}-[\dT:.-]{18}Z) (\d{1,18})$/.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { at, id };
  throw new EdgeError('invalid_cursor', 'Take it from the answer to the page before.');
}

/** A moment with milliseconds, as events have it, so that both compare as texts. */
export function comparable(moment: string): string {
  return new Date(moment).toISOString();
}

/** @throws EdgeError `bad_request` for a moment of which nothing is kept any more. */
export function refuseForgotten(moment: string, { now, days }: { now: number; days: number }): void {
  if (Date.parse(moment) >= now - days * DAY_MS) return;
  throw new EdgeError('bad_request', `at: what was before is known for ${days} days; give a later moment.`);
}

/** A twin out of the newest event of each side of each key. */
export function twinFrom(events: readonly StoredEvent[]): Map<string, HeldKey> {
  const keys = new Map<string, HeldKey>();
  for (const { key, side, value, at, cloud, edge, by } of events) {
    const held = keys.get(key) ?? freshKey('deleted', true);
    keys.set(key, { ...held, [side]: { value, at, version: { cloud, edge }, by } });
  }
  return keys;
}
