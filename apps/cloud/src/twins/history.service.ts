import { Injectable } from '@nestjs/common';
import type { Answer, endpoints, HistoryQuery, TwinView } from '@selvage/protocol';
import { type Clock, systemClock } from '@selvage/reconcile';
import { Brackets, In, type SelectQueryBuilder } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';
import { HubConfig } from '../config.js';
import { Database } from '../db/index.js';
import { Devices, type KnownDevice } from '../devices/devices.module.js';
import { comparable, eventCursor, historyItem, readEventCursor, refuseForgotten, twinFrom } from './history.rules.js';
import { TwinStore } from './twin-store.service.js';
import { TwinEventRow } from './twins.entity.js';
import { shownTwin } from './twins.rules.js';

const ROWS = 500;
/** Of each key and side the newest event that is not after a moment. SQLite counts parameters in the order in which they come first. */
const NEWEST =
  'SELECT (SELECT e.id FROM twin_events e WHERE e.device = k.device AND e."key" = k."key" AND e.side = s.side ' +
  'AND e.at <= $1 ORDER BY e.at DESC, e.id DESC LIMIT 1) AS id FROM twin_keys k ' +
  "CROSS JOIN (SELECT 'expected' AS side UNION ALL SELECT 'actual') AS s WHERE k.device = $2";

/** What changed in twins, and how they were. */
@Injectable()
export class History {
  private readonly clock: Clock = systemClock;

  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
    private readonly store: TwinStore,
    private readonly devices: Devices,
  ) {}

  /** Newest first. @throws EdgeError `not_found`, `invalid_cursor`. */
  async list(project: string, name: string, query: HistoryQuery): Promise<Answer<typeof endpoints.devices.history>> {
    const { id } = await this.devices.known(project, name);
    const events = this.db.read
      .createQueryBuilder(TwinEventRow, 'event')
      .where('event.device = :id', { id })
      .orderBy('event.at', 'DESC')
      .addOrderBy('event.id', 'DESC')
      .take(query.limit + 1);
    narrow(events, query);
    const found = await events.getMany();
    const rows = found.slice(0, query.limit);
    const last = rows.at(-1);
    const items = rows.map(historyItem);
    return found.length > query.limit && last ? { items, cursor: eventCursor(last) } : { items };
  }

  /** The twin as it is, or as it was at a moment. @throws EdgeError `not_found`, `bad_request` for a moment too long ago. */
  async twin(project: string, name: string, at: string | undefined): Promise<TwinView> {
    const device = await this.devices.known(project, name);
    const { id, properties } = device;
    if (at === undefined) {
      const keys = (await this.store.load([id])).get(id) ?? new Map();
      return { device: name, at: new Date(this.clock.now()).toISOString(), twin: shownTwin(properties, keys) };
    }
    refuseForgotten(at, { now: this.clock.now(), days: this.config.twinHistoryDays });
    const twin = shownTwin(properties, twinFrom(await this.newest(device, comparable(at))));
    return { device: name, at: comparable(at), twin };
  }

  private async newest({ id }: KnownDevice, at: string): Promise<TwinEventRow[]> {
    const found: { id: number | string | null }[] = await this.db.read.query(NEWEST, [at, id]);
    const ids = found.flatMap((row) => (row.id === null ? [] : [Number(row.id)]));
    const events: TwinEventRow[] = [];
    for (const some of pieces(ids, ROWS)) events.push(...(await this.db.read.findBy(TwinEventRow, { id: In(some) })));
    return events;
  }
}

function narrow(events: SelectQueryBuilder<TwinEventRow>, { key, side, since, until, cursor }: HistoryQuery): void {
  if (key !== undefined) events.andWhere('event.key = :key', { key });
  if (side !== undefined) events.andWhere('event.side = :side', { side });
  if (since !== undefined) events.andWhere('event.at >= :since', { since: comparable(since) });
  if (until !== undefined) events.andWhere('event.at <= :until', { until: comparable(until) });
  if (cursor === undefined) return;
  const place = readEventCursor(cursor);
  events.andWhere(
    new Brackets((before) => {
      before.where('event.at < :at', { at: place.at });
      before.orWhere('event.at = :at AND event.id < :id2', { at: place.at, id2: place.id });
    }),
  );
}
