import type { EntityManager } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';

const ROWS = 200;

/** What is noted about a device without an operator changing it. */
export type NotedColumn = 'size' | 'twin_size' | 'reported' | 'last_seen_at';

/** Sets a column of many devices, one statement for some hundred of them; an empty text stands for null. Devices that are gone stay gone. */
export async function note(
  tx: EntityManager,
  column: NotedColumn,
  all: readonly { readonly id: string; readonly value: string | number }[],
): Promise<void> {
  const value =
    column === 'size' || column === 'twin_size' ? 'CAST(given.column2 AS INTEGER)' : "NULLIF(given.column2, '')";
  for (const some of pieces(all, ROWS)) {
    const places = some.map((_, at) => `($${2 * at + 1}, $${2 * at + 2})`);
    // Both databases call the columns of VALUES column1, column2, and so on, and know numbered parameters.
    await tx.query(
      `UPDATE devices SET ${column} = ${value} FROM (VALUES ${places.join(', ')}) AS given ` +
        'WHERE devices.id = given.column1',
      some.flatMap((one) => [one.id, String(one.value)]),
    );
  }
}
