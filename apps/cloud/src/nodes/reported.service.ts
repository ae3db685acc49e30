import type { NodeRef } from '@selvage/protocol';
import type { EntityManager } from 'typeorm';
import { pieces } from '../certificates/certificates.module.js';

const ROWS = 250;

/** What is written down about a node without an operator changing it. */
export type ReportedColumn = 'joined_at' | 'last_seen_at' | 'facts';

/** Sets a column of many nodes, one statement for some hundred of them. Nodes that are gone stay gone. */
export async function setReported(
  tx: EntityManager,
  column: ReportedColumn,
  all: readonly { readonly ref: NodeRef; readonly text: string }[],
): Promise<void> {
  for (const some of pieces(all, ROWS)) {
    const places = some.map((_, at) => `($${3 * at + 1}, $${3 * at + 2}, $${3 * at + 3})`);
    // Both databases call the columns of VALUES column1, column2, and so on, and know numbered parameters.
    await tx.query(
      `UPDATE nodes SET ${column} = given.column3 FROM (VALUES ${places.join(', ')}) AS given ` +
        'WHERE nodes.project = given.column1 AND nodes.name = given.column2',
      some.flatMap(({ ref, text }) => [ref.project, ref.node, text]),
    );
  }
}
