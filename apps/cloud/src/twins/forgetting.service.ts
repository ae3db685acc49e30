import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { HubConfig } from '../config.js';
import { Database, type Forgetting, type Retention } from '../db/index.js';
import { TwinEventRow, TwinGoneRow } from './twins.entity.js';

const DAY_MS = 86_400_000;
/** Old events, but not the newest old one of a key and side: that says how it was when the time that is kept began. */
const OLD =
  'SELECT e.id AS id FROM twin_events e WHERE e.at < $1 AND EXISTS (SELECT 1 FROM twin_events n WHERE n.device = e.device ' +
  'AND n."key" = e."key" AND n.side = e.side AND n.at <= $1 AND (n.at > e.at OR (n.at = e.at AND n.id > e.id)))';
const OF_GONE = 'SELECT e.id AS id FROM twin_events e WHERE e.device IN (SELECT g.device FROM twin_gone g)';
const EMPTY =
  'SELECT g.device AS id FROM twin_gone g WHERE NOT EXISTS (SELECT 1 FROM twin_events e WHERE e.device = g.device)';

/** What the history of twins forgets: events that are older than is kept, and those of deleted devices. */
@Injectable()
export class OldTwinEvents {
  constructor(
    private readonly db: Database,
    private readonly config: HubConfig,
  ) {}

  addTo(retention: Retention): void {
    const cutoff = (now: number): string => new Date(now - this.config.twinHistoryDays * DAY_MS).toISOString();
    const remove: Forgetting<string>['remove'] = (tx, ids) => tx.delete(TwinEventRow, { id: In(ids) });
    retention.add({ what: 'old events of twins', find: (now, limit) => this.ids(OLD, limit, [cutoff(now)]), remove });
    retention.add({ what: 'events of deleted devices', find: (_now, limit) => this.ids(OF_GONE, limit), remove });
    retention.add({
      what: 'notes of deleted devices',
      find: (_now, limit) => this.ids(EMPTY, limit),
      remove: (tx, devices) => tx.delete(TwinGoneRow, { device: In(devices) }),
    });
  }

  private async ids(sql: string, limit: number, values: string[] = []): Promise<string[]> {
    const rows: { id: string }[] = await this.db.read.query(`${sql} LIMIT ${limit}`, values);
    return rows.map(({ id }) => id);
  }
}
