import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';
import { Database } from '../db/index.js';
import { type HeldKey, type KeyEvent } from './held.rules.js';
import { TwinEventRow, TwinKeyRow } from './twins.entity.js';

const DEVICES = 200;
const ROWS = 200;

/** Keys of twins by the id of the device's row. */
export type TwinsById = ReadonlyMap<string, Map<string, HeldKey>>;

/** A key of a device that is to be written. */
export interface WrittenKey {
  readonly device: string;
  readonly key: string;
  readonly held: HeldKey;
}

/** An event of a device. */
export interface DeviceEvent extends KeyEvent {
  readonly device: string;
  readonly key: string;
}

/** The tables of twins and of their events. */
@Injectable()
export class TwinStore {
  constructor(private readonly db: Database) {}

  /** The twins of devices; each of them is there. */
  async load(devices: readonly string[], from: EntityManager = this.db.read): Promise<TwinsById> {
    const found = new Map<string, Map<string, HeldKey>>(devices.map((id) => [id, new Map<string, HeldKey>()]));
    for (const some of pieces(devices, DEVICES))
      for (const row of await from.findBy(TwinKeyRow, { device: In(some) }))
        found.get(row.device)?.set(row.key, heldOf(row));
    return found;
  }

  async save(tx: EntityManager, written: readonly WrittenKey[]): Promise<void> {
    for (const some of pieces(written, ROWS)) await tx.upsert(TwinKeyRow, some.map(rowOf), ['device', 'key']);
  }

  /** Adds events that are not known yet. */
  async add(tx: EntityManager, events: readonly DeviceEvent[]): Promise<void> {
    for (const some of pieces(once(events), ROWS))
      await tx.createQueryBuilder().insert().into(TwinEventRow).values(some).orIgnore().updateEntity(false).execute();
  }

  /** The same for events that say for sure who made the change: those that are known learn that. */
  async addNamed(tx: EntityManager, events: readonly DeviceEvent[]): Promise<void> {
    for (const some of pieces(once(events), ROWS)) {
      const insert = tx.createQueryBuilder().insert().into(TwinEventRow).values(some);
      await insert.orUpdate(['by'], ['device', 'key', 'side', 'cloud', 'edge', 'moment']).updateEntity(false).execute();
    }
  }
}

/** Each event once, since one statement cannot meet the same row twice. */
function once(events: readonly DeviceEvent[]): Omit<TwinEventRow, 'id'>[] {
  const rows = events.map(eventRow);
  return [
    ...new Map(
      rows.map((row) => [[row.device, row.key, row.side, row.cloud, row.edge, row.moment].join(' '), row]),
    ).values(),
  ];
}

function eventRow({ device, key, side, value, at, version, by }: DeviceEvent): Omit<TwinEventRow, 'id'> {
  const moment = side === 'actual' && value !== null ? at : '';
  return { device, key, side, value, at, cloud: version.cloud, edge: version.edge, moment, by };
}

function heldOf(row: TwinKeyRow): HeldKey {
  const { type, optional, leaving } = row;
  return {
    ...{ type, optional, leaving },
    expected: {
      value: row.expectedValue,
      at: row.expectedAt,
      version: { cloud: row.expectedCloud, edge: row.expectedEdge },
      by: row.expectedBy,
    },
    actual: {
      value: row.actualValue,
      at: row.actualAt,
      version: { cloud: row.actualCloud, edge: row.actualEdge },
      by: row.actualBy,
    },
  };
}

function rowOf({ device, key, held }: WrittenKey): TwinKeyRow {
  const { type, optional, leaving, expected, actual } = held;
  return {
    ...{ device, key, type, optional, leaving },
    ...{ expectedValue: expected.value, expectedAt: expected.at, expectedBy: expected.by },
    ...{ expectedCloud: expected.version.cloud, expectedEdge: expected.version.edge },
    ...{ actualValue: actual.value, actualAt: actual.at, actualBy: actual.by },
    ...{ actualCloud: actual.version.cloud, actualEdge: actual.version.edge },
  };
}
