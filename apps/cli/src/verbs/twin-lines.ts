import type { ShownKey } from '@selvage/protocol';
import { ago, type Column, tableLines } from '../output/index.js';

type Row = readonly [key: string, shown: ShownKey];

const COLUMNS: readonly Column<Row>[] = [
  { title: 'KEY', of: ([key]) => key },
  {
    title: 'TYPE',
    of: ([, { type, unit, access }]) => [type, unit, access === 'r' ? 'read only' : ''].filter(Boolean).join(', '),
  },
  { title: 'EXPECTED', of: ([, { expected }], now) => sideText(expected, now) },
  { title: 'ACTUAL', of: ([, { actual }], now) => sideText(actual, now) },
  { title: 'PENDING', of: ([, { pending }]) => (pending ? 'yes' : ''), sparse: true },
  { title: 'SET BY', of: ([, { expected }]) => expected?.by ?? '', sparse: true },
];

/** A twin as a table: expected and actual value of each key next to each other. */
export function twinLines(twin: Readonly<Record<string, ShownKey>>, now: number): string[] {
  const rows = Object.entries(twin);
  return rows.length === 0 ? [] : tableLines(COLUMNS, rows, now);
}

/** `21 (cloud 3, edge 1; 5m ago)` */
function sideText(side: ShownKey['expected'], now: number): string {
  if (side === undefined) return '-';
  const { value, at, version } = side;
  return `${value === '' ? '""' : value} (cloud ${version.cloud}, edge ${version.edge}; ${ago(at, now)})`;
}
